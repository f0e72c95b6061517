"""What became of it: some time after the note was acknowledged who asked says so. Kept for the figures."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import FollowUp, PatientCourse, RequestStatus, ServiceRequest
from teleconsult.consults.queries import consult_for, whole
from teleconsult.consults.states import Verb, require
from teleconsult.directory.models import HealthcareService
from teleconsult.errors import Refused

ASKED_FOR: Final = timedelta(days=90)
"""How long one is asked; what became of it later says little of the consult."""
MOST_ASKED: Final = 20


async def record_follow_up(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    plan_followed: bool,
    journey_avoided: bool,
    patient_course: PatientCourse,
) -> FollowUp:
    """Say whether the plan was followed, whether a journey was avoided, and how the patient is. Once for a consult.

    Raises NotFound, Forbidden for who does not treat the patient, Refused before the acknowledgement and the second
    time.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.FOLLOW_UP)
    if await follow_up_of(session, consult) is not None:
        raise Refused("This was answered already.")
    assert actor.role_id is not None, "only someone with a role has a part in a consult"
    follow_up = FollowUp(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        recorded_by_id=actor.role_id,
        recorded_at=now(),
        plan_followed=plan_followed,
        journey_avoided=journey_avoided,
        patient_course=patient_course,
    )
    session.add(follow_up)
    audit.record(session, actor, "follow-up-recorded", consult, patient_id=consult.patient_id)
    await session.flush()
    await tell_consult(session, "ConsultFollowedUp", consult, by=actor.role_id)
    return follow_up


async def follow_up_of(session: AsyncSession, consult: ServiceRequest) -> FollowUp | None:
    """What was said of it, as far as the database shows it to who asks. The caller has looked the consult up."""
    found: FollowUp | None = await session.scalar(select(FollowUp).where(FollowUp.service_request_id == consult.id))
    return found


async def follow_ups_due(session: AsyncSession, actor: Actor) -> Sequence[ServiceRequest]:
    """The actor's own consults of which one would like to know by now, the oldest first, at most 20."""
    moment = now()
    wait = HealthcareService.follow_up_days * func.make_interval(0, 0, 0, 1)
    found = await session.scalars(
        select(ServiceRequest)
        .join(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
        .where(
            rows.requests(actor),
            ServiceRequest.status == RequestStatus.COMPLETED,
            ServiceRequest.completed_at > moment - ASKED_FOR,
            ServiceRequest.completed_at + wait <= moment,
            ~select(FollowUp.id).where(FollowUp.service_request_id == ServiceRequest.id).exists(),
        )
        .order_by(ServiceRequest.completed_at)
        .limit(MOST_ASKED)
        .options(*whole())
    )
    return found.all()
