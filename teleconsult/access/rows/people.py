"""Whose people, and whose trace of what they did."""

from sqlalchemy import and_, exists, false, or_

from teleconsult.access.permissions import Permission
from teleconsult.access.rows.patients import shares
from teleconsult.access.rows.seam import Filter, has, is_house, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.directory.models import Organization, PractitionerRole
from teleconsult.patients.models import Patient


@row_filter
def roles_of_house(actor: Actor) -> Filter:
    """What people do at the actor's establishment."""
    return is_house(PractitionerRole.organization_id, actor)


@row_filter
def watched_patients(actor: Actor) -> Filter:
    """Patients of the house, to who watches over the reading of their files: who they are, and no more."""
    return is_house(Patient.organization_id, actor) if has(actor, Permission.AUDIT_READ) else false()


@row_filter
def houses_that_share(actor: Actor) -> Filter:
    """The other establishments of the actor's network."""
    return and_(shares(Organization, actor), ~is_house(Organization.id, actor))


@row_filter
def audit_events(actor: Actor) -> Filter:
    """What was done by people of the actor's establishment, and by anybody to its patients."""
    of_own_patient = exists().where(Patient.id == AuditEvent.patient_id, is_house(Patient.organization_id, actor))
    return or_(is_house(AuditEvent.organization_id, actor), of_own_patient)
