"""A booked session is held at another time, or its time is given up: the request stays."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.answering import checked_reason
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.encounters.attendance import Span
from teleconsult.encounters.models import EncounterStatus
from teleconsult.scheduling.booking import check_time
from teleconsult.scheduling.calendar_mails import owe_invitations
from teleconsult.scheduling.diaries import needed_by
from teleconsult.scheduling.holding import hold, in_turn, require_open
from teleconsult.scheduling.inviting import invited_to
from teleconsult.scheduling.models import Appointment, AppointmentStatus


async def move_time(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    starts_at: datetime,
    minutes: int = 30,
    things: Sequence[uuid.UUID] | None = None,
    people: Sequence[uuid.UUID] | None = None,
) -> Appointment:
    """Hold a booked session at another time: same request, same people, same room on the web. Both sides are told.

    Raises NotFound, Forbidden, Refused unless a time is booked and nobody has come yet, Invalid as `propose_time` does
    and where somebody or something it needs is taken then.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.MOVE_TIME)
    appointment = consult.appointment
    assert appointment is not None, "the state has one"
    before = appointment.starts_at
    check_time(starts_at, minutes)
    needed = await needed_by(session, consult, things=things, people=people)
    time = Span(starts_at, starts_at + timedelta(minutes=minutes))
    require_open(needed, time)
    added = needed.invited - set(await invited_to(session, consult))
    is_other_time = (appointment.starts_at, appointment.ends_at) != time
    async with in_turn(session, needed):
        await hold(session, actor, appointment, needed)
        appointment.starts_at, appointment.ends_at = time
        await session.flush()
    if not is_other_time:  # no calendar of the others hears of it
        await owe_invitations(session, appointment, added)
    consult.updated_at = now()
    audit.record(
        session,
        actor,
        "time-moved",
        consult,
        patient_id=consult.patient_id,
        starts_at=starts_at.isoformat(),
        before=before.isoformat(),
    )
    await session.flush()
    await tell_consult(session, "ConsultTimeMoved", consult)
    return appointment


async def cancel_time(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: str) -> ServiceRequest:
    """Give a booked time up, with a reason the other side reads: the consult stands, and waits for another time.

    Raises NotFound, Forbidden, Refused unless a time is booked and nobody has come yet, Invalid without a reason.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.CANCEL_TIME)
    reason = checked_reason(reason)
    appointment, moment = consult.appointment, now()
    assert appointment is not None, "the state has one"
    appointment.status, appointment.status_reason = AppointmentStatus.CANCELLED, reason
    if appointment.encounter is not None:
        appointment.encounter.status = EncounterStatus.CANCELLED
    consult.updated_at = moment
    audit.record(
        session,
        actor,
        "time-cancelled",
        consult,
        patient_id=consult.patient_id,
        starts_at=appointment.starts_at.isoformat(),
    )
    await session.flush()
    await tell_consult(session, "ConsultTimeCancelled", consult)
    session.expire(consult, ["appointment"])
    return consult
