"""FHIR R4 Bundle: the answer to a search, a page of it (http://hl7.org/fhir/R4/bundle.html)."""

from collections.abc import Sequence
from typing import Any

Resource = dict[str, Any]


def searchset(
    resources: Sequence[Resource],
    *,
    server: str,
    own: str,
    following: str | None = None,
    total: int | None = None,
    included: Sequence[Resource] = (),
) -> Resource:
    """What was found, with where it stands; `own` is the address asked, `following` the next page's.

    `total` counts what fits on all pages; what is `included` besides is not counted (R4 §3.1.1.5.8).
    """
    links = [{"relation": "self", "url": own}]
    if following is not None:
        links.append({"relation": "next", "url": following})
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": links,
    }
    if total is not None:
        bundle["total"] = total
    found = [(resource, "match") for resource in resources] + [(resource, "include") for resource in included]
    if found:  # FHIR knows no empty lists (R4 §2.6.2)
        bundle["entry"] = [
            {
                "fullUrl": f"{server}/{resource['resourceType']}/{resource['id']}",
                "resource": resource,
                "search": {"mode": mode},
            }
            for resource, mode in found
        ]
    return bundle
