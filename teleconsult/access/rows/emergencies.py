"""Whose emergencies, and whose pages."""

from sqlalchemy import exists, false, or_, select
from sqlalchemy.orm import aliased

from teleconsult.access.rows.consults import consults
from teleconsult.access.rows.seam import Filter, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import PractitionerRole
from teleconsult.emergencies.models import Emergency, EmergencyPage

_ROLE = aliased(PractitionerRole)
"""Made once, as those of `patients`."""


@row_filter
def emergency_pages(actor: Actor) -> Filter:
    """The actor's own, whichever of their roles was paged: a telephone rings for a person."""
    if actor.practitioner_id is None:
        return false()
    return exists().where(
        _ROLE.id == EmergencyPage.practitioner_role_id,
        _ROLE.practitioner_id == actor.practitioner_id,
        _ROLE.ended_at.is_(None),
    )


@row_filter
def emergencies(actor: Actor) -> Filter:
    """Those of consults that exist for the actor, and those they were paged for."""
    page = select(EmergencyPage.id).where(EmergencyPage.emergency_id == Emergency.id, emergency_pages(actor))
    consult = select(ServiceRequest.id).where(ServiceRequest.id == Emergency.service_request_id, consults(actor))
    return or_(page.exists(), consult.exists())
