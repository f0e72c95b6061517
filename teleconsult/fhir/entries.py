"""An entry of a file as it leaves: the FHIR R4 resource it holds, with its version, marked where it was an error."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from teleconsult.fhir.types import TYPES
from teleconsult.records.elements import dicts
from teleconsult.records.models import EntryStatus, RecordEntry, RecordVersion, ResourceType

ENTERED_IN_ERROR: Final = EntryStatus.ENTERED_IN_ERROR.value
_VERIFICATION: Final = {
    ResourceType.CONDITION: "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    ResourceType.ALLERGY_INTOLERANCE: "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
}


def entry_resource(entry: RecordEntry) -> dict[str, Any]:
    """The entry as it stands now."""
    resource = _resource(entry, entry.resource, version=entry.version, modified=entry.recorded_at, status=entry.status)
    place = TYPES[entry.resource_type].encounter
    if entry.episode_id is not None and place and not encounter_in(resource, entry.resource_type):
        _put(resource, place, {"reference": f"Encounter/{entry.episode_id}"})
    return resource


def version_resource(entry: RecordEntry, version: RecordVersion) -> dict[str, Any]:
    """The entry as it stood at a version before."""
    return _resource(
        entry, version.resource, version=version.version, modified=version.recorded_at, status=version.status
    )


def encounter_in(resource: Mapping[str, Any], kind: ResourceType) -> str:
    """The reference to the encounter that the resource names, where its kind has a place for one."""
    place = TYPES[kind].encounter
    value: Any = resource
    for name in place.removesuffix("[]").split(".") if place else ("",):
        value = value.get(name) if isinstance(value, Mapping) else None
    if place.endswith("[]"):
        value = next(dicts(value), None)
    reference = value.get("reference") if isinstance(value, Mapping) else None
    return reference if isinstance(reference, str) else ""


def is_error(resource: Mapping[str, Any], kind: ResourceType) -> bool:
    """Whether the resource says of itself that it was entered in error."""
    element = TYPES[kind].error
    if kind in _VERIFICATION:
        concept = resource.get(element)
        codings = dicts(concept.get("coding")) if isinstance(concept, Mapping) else ()
        return any(coding.get("code") == ENTERED_IN_ERROR for coding in codings)
    return bool(element) and resource.get(element) == ENTERED_IN_ERROR


def _resource(
    entry: RecordEntry, stored: Mapping[str, Any], *, version: int, modified: datetime, status: EntryStatus
) -> dict[str, Any]:
    meta = stored.get("meta")
    resource = {
        "resourceType": entry.resource_type.value,
        **stored,
        "id": str(entry.id),
        "meta": {
            **(meta if isinstance(meta, Mapping) else {}),
            "versionId": str(version),
            "lastUpdated": modified.isoformat(timespec="milliseconds"),
        },
    }
    if entry.resource_type is ResourceType.PROVENANCE:
        resource.pop("subject", None)  # R4 knows whose it is by its target
    if status is EntryStatus.ENTERED_IN_ERROR:
        _mark(resource, entry.resource_type)
    return resource


def _mark(resource: dict[str, Any], kind: ResourceType) -> None:
    """Say in R4's own element that the entry was an error.

    Invariants take the clinical status away with it (con-5, ait-2), and with that, when it ended (con-4). The version
    before still says both.
    """
    element = TYPES[kind].error
    if kind in _VERIFICATION:
        resource[element] = {"coding": [{"system": _VERIFICATION[kind], "code": ENTERED_IN_ERROR}]}
        for name in ("clinicalStatus", *(name for name in tuple(resource) if name.startswith("abatement"))):
            resource.pop(name, None)
    elif element:
        resource[element] = ENTERED_IN_ERROR


def _put(resource: dict[str, Any], place: str, reference: dict[str, str]) -> None:
    *path, last = place.removesuffix("[]").split(".")
    within = resource
    for name in path:
        existing = within.get(name)
        within[name] = within = dict(existing) if isinstance(existing, Mapping) else {}
    within[last] = [reference] if place.endswith("[]") else reference
