"""Whose people, and whose trace of what they did."""

from sqlalchemy import and_, exists, or_

from teleconsult.access.rows.patients import shares
from teleconsult.access.rows.seam import Filter, is_house, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.directory.models import Organization, PractitionerRole
from teleconsult.patients.models import Patient


@row_filter
def roles_of_house(actor: Actor) -> Filter:
    """What people do at the actor's establishment."""
    return is_house(PractitionerRole.organization_id, actor)


@row_filter
def houses_that_share(actor: Actor) -> Filter:
    """The other establishments of the actor's network."""
    return and_(shares(Organization, actor), ~is_house(Organization.id, actor))


@row_filter
def audit_events(actor: Actor) -> Filter:
    """What was done by people of the actor's establishment, and by anybody to its patients."""
    of_own_patient = exists().where(Patient.id == AuditEvent.patient_id, is_house(Patient.organization_id, actor))
    return or_(is_house(AuditEvent.organization_id, actor), of_own_patient)
