"""FHIR R4 Bundle: a page of what a search found, or of a history (http://hl7.org/fhir/R4/bundle.html)."""

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
    found = [(resource, "match") for resource in resources] + [(resource, "include") for resource in included]
    entries = [
        {
            "fullUrl": f"{server}/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
            "search": {"mode": mode},
        }
        for resource, mode in found
    ]
    return bundle("searchset", entries, own=own, following=following, total=total)


def bundle(
    kind: str, entries: Sequence[Resource], *, own: str, following: str | None = None, total: int | None = None
) -> Resource:
    """A page of what there is, with the way to the next one."""
    links = [{"relation": "self", "url": own}]
    if following is not None:
        links.append({"relation": "next", "url": following})
    made: Resource = {"resourceType": "Bundle", "type": kind, "link": links}
    if total is not None:
        made["total"] = total
    if entries:  # FHIR knows no empty lists (R4 §2.6.2)
        made["entry"] = list(entries)
    return made
