"""Part of a resource: what `_elements` or `_summary` leaves of it, marked as a part
(http://hl7.org/fhir/R4/search.html#elements).
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from teleconsult.fhir.types import TYPES
from teleconsult.records.actions import patient_element
from teleconsult.records.models import ResourceType

T = ResourceType
SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
_ALWAYS: Final = frozenset(
    {"resourceType", "id", "meta", "implicitRules", "modifierExtension"}
    | {"status", "intent", "clinicalStatus", "verificationStatus"}
)
_MEDICATION: Final = ("medicationCodeableConcept", "medicationReference")
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "ServiceRequest": ("subject",),
    T.IMMUNIZATION: ("occurrenceDateTime", "occurrenceString"),
    T.MEDICATION_STATEMENT: _MEDICATION,
    T.MEDICATION_REQUEST: _MEDICATION,
    T.MEDICATION_ADMINISTRATION: (*_MEDICATION, "effectiveDateTime", "effectivePeriod"),
    T.CLAIM: ("priority", "insurance"),
    T.EXPLANATION_OF_BENEFIT: ("insurance",),
}
"""What R4 asks for of some types, besides what `TYPES` says: without it the part would be no valid resource."""


def with_elements(resource: Mapping[str, Any], elements: Collection[str]) -> dict[str, Any]:
    """These elements of it, and what R4 requires."""
    kept = _ALWAYS | set(elements) | _required(str(resource["resourceType"]))
    return _marked({name: value for name, value in resource.items() if name.lstrip("_") in kept})


def without_text(resource: Mapping[str, Any]) -> dict[str, Any]:
    """All but its narrative."""
    return _marked({name: value for name, value in resource.items() if name != "text"})


def is_subset(resource: Mapping[str, Any]) -> bool:
    """Whether it says of itself that it is not whole."""
    meta = resource.get("meta")
    tags = meta.get("tag") if isinstance(meta, Mapping) else None
    return isinstance(tags, list) and any(
        isinstance(tag, Mapping) and tag.get("code") == SUBSETTED["code"] and tag.get("system") == SUBSETTED["system"]
        for tag in tags
    )


def _required(kind: str) -> set[str]:
    of_entry = {*TYPES[T(kind)].needs, patient_element(T(kind))} if kind in set(T) else set()
    return of_entry | {*_REQUIRED.get(kind, ())}


def _marked(resource: dict[str, Any]) -> dict[str, Any]:
    meta = resource.get("meta", {})
    return {**resource, "meta": {**meta, "tag": [*meta.get("tag", ()), SUBSETTED]}}
