"""FHIR R4 Bundle: the answer to a search, a page of it (http://hl7.org/fhir/R4/bundle.html)."""

from collections.abc import Sequence
from typing import Any


def searchset(
    resources: Sequence[dict[str, Any]], *, server: str, own: str, following: str | None = None
) -> dict[str, Any]:
    """What was found, with where it stands; `own` is the address asked, `following` the next page's."""
    links = [{"relation": "self", "url": own}]
    if following is not None:
        links.append({"relation": "next", "url": following})
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": links,
    }
    if resources:  # FHIR knows no empty lists (R4 §2.6.2)
        bundle["entry"] = [
            {
                "fullUrl": f"{server}/{resource['resourceType']}/{resource['id']}",
                "resource": resource,
                "search": {"mode": "match"},
            }
            for resource in resources
        ]
    return bundle
