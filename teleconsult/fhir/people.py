"""FHIR R4 Practitioner, PractitionerRole, Organization and HealthcareService, as far as a document names them."""

from typing import Any

from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import HealthcareService, Organization, PractitionerRole

Resource = dict[str, Any]


def organization_resource(organization: Organization) -> Resource:
    """An establishment (http://hl7.org/fhir/R4/organization.html)."""
    return {
        "resourceType": "Organization",
        "id": str(organization.id),
        "name": organization.name,
        **_telecom(organization.phone),
    }


def service_resource(service: HealthcareService) -> Resource:
    """What it offers; its establishment must be loaded (http://hl7.org/fhir/R4/healthcareservice.html)."""
    return {
        "resourceType": "HealthcareService",
        "id": str(service.id),
        "active": service.active,
        "providedBy": {"reference": f"Organization/{service.organization_id}", "display": service.organization.name},
        "specialty": [{"text": service.specialty.value}],
        **_telecom(service.phone),
    }


def role_resource(role: PractitionerRole) -> Resource:
    """What somebody does there, by name (http://hl7.org/fhir/R4/practitionerrole.html); who it is must be loaded."""
    return _role(
        str(role.id), name=role.practitioner.name, organization_id=str(role.organization_id), code=role.code.value
    )


def role_of_actor(actor: Actor) -> Resource:
    """The same of who acts, who has a role in force."""
    assert actor.role is not None
    return _role(str(actor.role_id), name=actor.name, organization_id=str(actor.organization_id), code=actor.role.value)


def house_of_actor(actor: Actor) -> Resource:
    """Their establishment."""
    return {"resourceType": "Organization", "id": str(actor.organization_id), "name": actor.organization_name}


def _telecom(phone: str) -> Resource:
    """The number, where there is one (ContactPoint)."""
    return {"telecom": [{"system": "phone", "value": phone}]} if phone else {}


def _role(id: str, *, name: str, organization_id: str, code: str) -> Resource:
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "practitioner": {"display": name},
        "organization": {"reference": f"Organization/{organization_id}"},
        "code": [{"text": code}],
    }
