"""FHIR R4 Patient of a patient of ours (http://hl7.org/fhir/R4/patient.html)."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from teleconsult.patients.models import IdentifierStatus, Patient, PatientIdentifier

NUMBER_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
BIRTH_PLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
RECORD_NUMBER: Final = {
    "coding": [{"system": NUMBER_TYPES, "code": "MR"}],
    "text": "Medical record number",
}


def number_system(naming: str, organization_id: uuid.UUID) -> str:
    """The identifier system of an establishment's own file numbers."""
    return f"{naming}/NamingSystem/{organization_id}"


def version_of_patient(patient: Patient) -> str:
    """A name for what the patient's identity is now: another one after each change."""
    return f"{patient.updated_at:%Y%m%d%H%M%S%f}"


def patient_resource(
    patient: Patient,
    *,
    naming: str,
    identifiers: Sequence[PatientIdentifier] = (),
    linked: Sequence[uuid.UUID] = (),
    replaced_by: Sequence[uuid.UUID] = (),
    replaces: Sequence[uuid.UUID] = (),
) -> dict[str, Any]:
    """The resource; its organization must be loaded. `linked` are local patients who are the same person.

    One that was merged into another, which replaces it, is not used any more (http://hl7.org/fhir/R4/patient.html#links).
    """
    organization = {"reference": f"Organization/{patient.organization_id}", "display": patient.organization.name}
    number = {
        "use": "usual",
        "type": RECORD_NUMBER,
        "system": number_system(naming, patient.organization_id),
        "value": patient.local_number,
        "assigner": {"display": patient.organization.name},
    }
    name = {
        "use": "temp" if patient.is_temporary else "official",
        "text": patient.name,
        "family": patient.family,
        "given": [patient.given],
    }
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "id": str(patient.id),
        "meta": {
            "versionId": version_of_patient(patient),
            "lastUpdated": patient.updated_at.isoformat(timespec="milliseconds"),
        },
        "extension": [{"url": BIRTH_PLACE, "valueAddress": {"text": place}}]
        if (place := patient.birth_place)
        else None,
        "identifier": [number, *(_identifier(one) for one in identifiers)],
        "active": not replaced_by,
        "name": [
            {key: value for key, value in name.items() if value not in ("", [""])},
            *([{"use": "usual", "family": patient.used_name}] if patient.used_name else ()),
        ],
        "telecom": [{"system": "phone", "value": patient.phone}] if patient.phone else None,
        "gender": patient.gender.value,
        "birthDate": _born(patient),
        "address": [{"text": patient.address}] if patient.address.strip() else None,
        "managingOrganization": organization,
        "link": [
            {"other": {"reference": f"Patient/{other}"}, "type": kind}
            for kind, others in (
                ("replaced-by", replaced_by),
                ("replaces", replaces),
                ("seealso", [one for one in linked if one not in (*replaced_by, *replaces)]),
            )
            for other in others
        ]
        or None,
    }
    return {key: value for key, value in resource.items() if value is not None}


def _born(patient: Patient) -> str | None:
    """A day, or a year where no more is known (R4 `date`)."""
    if patient.birth_date:
        return patient.birth_date.isoformat()
    return f"{patient.birth_year:04}" if patient.birth_year else None


def _identifier(one: PatientIdentifier) -> dict[str, Any]:
    number = {"system": one.system, "value": one.value}
    if one.status is IdentifierStatus.WITHDRAWN:
        number = {"use": "old", **number}
    return {"type": {"coding": [{"system": NUMBER_TYPES, "code": one.type}]}, **number} if one.type else number
