"""A consult as FHIR R4: ServiceRequest is what is asked, Task the work of answering it
(http://hl7.org/fhir/R4/servicerequest.html, http://hl7.org/fhir/R4/task.html).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from teleconsult.consults.models import ServiceRequest, Task
from teleconsult.directory.models import HealthcareService, PractitionerRole

CONSULTATION: Final = {
    "coding": [{"system": "http://snomed.info/sct", "code": "11429006", "display": "Consultation"}],
    "text": "Teleconsultation",
}
FULFIL: Final = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}


def version_at(moment: datetime) -> str:
    """A name for how a row stands that is changed in place: another one after each change."""
    return f"{moment:%Y%m%d%H%M%S%f}"


def service_request(consult: ServiceRequest, *, naming: str, is_named: bool = True) -> dict[str, Any]:
    """The resource; patient, requester and service must be loaded. Without `is_named` initials say whom it is about."""
    return _without_blanks(
        {
            "resourceType": "ServiceRequest",
            "id": str(consult.id),
            "meta": _meta(consult.updated_at),
            "identifier": [{"system": f"{naming}/NamingSystem/consult", "value": str(consult.number)}],
            "status": consult.status.value,
            "intent": "order",
            "category": [{"coding": [{"system": f"{naming}/CodeSystem/consult-mode", "code": consult.mode.value}]}],
            "priority": consult.priority.value,
            "code": CONSULTATION,
            "subject": _patient(consult, is_named=is_named),
            "authoredOn": consult.authored_on.isoformat(timespec="seconds"),
            "requester": _role(consult.requester),
            "performer": [_service(consult.service)] if consult.service is not None else None,
            "reasonCode": [{"text": consult.question.strip()}] if consult.question.strip() else None,
        }
    )


def task(row: Task, *, is_named: bool = True) -> dict[str, Any]:
    """The same of the answering; request with patient and requester, service, owner, assigned must be loaded."""
    consult = row.service_request
    note = {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{row.output_composition_id}"}}
    return _without_blanks(
        {
            "resourceType": "Task",
            "id": str(row.id),
            "meta": _meta(row.modified_at),
            "basedOn": [{"reference": f"ServiceRequest/{consult.id}"}],
            "status": row.status.value,
            "statusReason": {"text": row.status_reason} if row.status_reason.strip() else None,
            "businessStatus": {"text": row.business_status} if row.business_status else None,
            "intent": "order",
            "priority": consult.priority.value,
            "code": FULFIL,
            "focus": {"reference": f"ServiceRequest/{consult.id}"},
            "for": _patient(consult, is_named=is_named),
            "authoredOn": row.created_at.isoformat(timespec="seconds"),
            "lastModified": row.modified_at.isoformat(timespec="seconds"),
            "requester": _role(consult.requester),
            "owner": _role(row.owner) if row.owner is not None else _service(row.service),
            "restriction": {"recipient": [_role(row.assigned)]} if row.assigned is not None else None,
            "output": [{"type": {"text": "note"}, "valueReference": note}] if row.output_composition_id else None,
        }
    )


def _meta(moment: datetime) -> dict[str, str]:
    return {"versionId": version_at(moment), "lastUpdated": moment.isoformat(timespec="milliseconds")}


def _patient(consult: ServiceRequest, *, is_named: bool) -> dict[str, str]:
    """By name for those who treat, by initials for those who arrange."""
    patient = consult.patient
    initials = f"{patient.given[:1]}.{patient.family[:1]}."
    display = patient.name if is_named or patient.is_temporary else initials
    return {"reference": f"Patient/{consult.patient_id}", "display": display}


def _role(role: PractitionerRole) -> dict[str, str]:
    return {"reference": f"PractitionerRole/{role.id}", "display": role.practitioner.name}


def _service(service: HealthcareService) -> dict[str, str]:
    return {
        "reference": f"HealthcareService/{service.id}",
        "display": f"{service.specialty.value}, {service.organization.name}",
    }


def _without_blanks(elements: Mapping[str, Any]) -> dict[str, Any]:
    """FHIR knows no empty values (R4 §2.6.2)."""
    return {name: value for name, value in elements.items() if value is not None}
