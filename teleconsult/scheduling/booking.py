"""Agreeing on a time: the coordinator proposes one, a specialist accepts the consult, the coordinator books."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.encounters.actions import plan_encounter
from teleconsult.encounters.attendance import Span
from teleconsult.errors import Invalid, Refused
from teleconsult.scheduling.diaries import needed_by
from teleconsult.scheduling.holding import hold, in_turn, require_open, taken
from teleconsult.scheduling.models import Appointment, AppointmentStatus

GRACE: Final = timedelta(minutes=15)
"""How far back a time may lie: a form takes a while to fill."""
FURTHEST: Final = timedelta(days=366)
DURATIONS: Final = (15, 20, 30, 45, 60)
"""Minutes a session may be planned for."""


async def propose_time(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    starts_at: datetime,
    minutes: int = 30,
    things: Sequence[uuid.UUID] | None = None,
    people: Sequence[uuid.UUID] | None = None,
) -> Appointment:
    """Propose a time, before or after a specialist has accepted; a second proposal replaces the first.

    Where the booked one was missed, the work goes on with the new one. `starts_at` is aware; `things` are the rooms and
    devices it needs, `people` the roles of further people, None for those of the first proposal. Raises NotFound,
    Forbidden, Refused once booked, Invalid for a time that is past, more than a year away, of a length we do not plan,
    outside the hours of somebody or something it needs, or when the specialist who accepted is taken.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.PROPOSE_TIME)
    assert actor.role_id is not None  # only someone with a role has a part in a consult
    moment = now()
    check_time(starts_at, minutes)
    needed = await needed_by(session, consult, things=things, people=people)
    require_open(needed, Span(starts_at, starts_at + timedelta(minutes=minutes)))
    appointment = consult.appointment
    if appointment is None:
        appointment = Appointment(id=uuid.uuid4(), service_request_id=consult.id)
        session.add(appointment)
    appointment.starts_at, appointment.ends_at = starts_at, starts_at + timedelta(minutes=minutes)
    appointment.created_by_id, appointment.created_at = actor.role_id, moment
    appointment.hold_for(consult.task.owner if consult.task else None)
    if consult.task is not None and consult.task.status is TaskStatus.ON_HOLD:
        consult.task.status, consult.task.modified_at = TaskStatus.ACCEPTED, moment
    await _require_free(session, appointment)
    await hold(session, actor, appointment, needed)
    consult.updated_at = moment
    audit.record(
        session, actor, "time-proposed", consult, patient_id=consult.patient_id, starts_at=starts_at.isoformat()
    )
    await session.flush()
    await tell_consult(session, "ConsultTimeProposed", consult)
    return appointment


async def book_appointment(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> Appointment:
    """Make the proposed time binding and open the room to the requester and the specialist.

    Raises NotFound, Forbidden, Refused: nobody has accepted, no time is proposed, it is past, it is booked already.
    Raises Invalid where somebody or something it needs is taken then (the database's exclusion constraints say so,
    whoever books at the same moment), or has other hours by now.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.BOOK)
    appointment, task, moment = consult.appointment, consult.task, now()
    if appointment is None or task is None:
        raise Refused("Propose a time first.")
    if appointment.starts_at < moment - GRACE:
        raise Refused("The proposed time is past. Propose another one.")
    appointment.hold_for(task.owner)
    needed = await needed_by(session, consult)
    require_open(needed, Span(appointment.starts_at, appointment.ends_at))
    await _require_free(session, appointment)  # who comes late need not take a turn to hear it
    async with in_turn(session, needed):
        await hold(session, actor, appointment, needed)
        appointment.status, appointment.booked_at = AppointmentStatus.BOOKED, moment
        await session.flush()
    await plan_encounter(session, actor, request=consult, task=task, appointment=appointment)
    consult.updated_at = moment
    audit.record(session, actor, "consult-booked", consult, patient_id=consult.patient_id, appointment=appointment.id)
    await session.flush()
    await tell_consult(session, "ConsultBooked", consult)
    return appointment


def check_time(starts_at: datetime, minutes: int) -> None:
    """Raise Invalid on `time` or `minutes` for what nobody can plan."""
    if starts_at < now() - GRACE:
        raise Invalid({"time": "This time is past."})
    if starts_at > now() + FURTHEST:
        raise Invalid({"time": "This time is more than a year away."})
    if minutes not in DURATIONS:
        raise Invalid({"minutes": "Choose one of the durations in the list."})


async def _require_free(session: AsyncSession, appointment: Appointment) -> None:
    """Say it beside the field while there still is a choice: the specialist has another booked session then."""
    if appointment.specialist_key is None:
        return
    asked = func.is_booked(appointment.specialist_key, appointment.starts_at, appointment.ends_at, appointment.id)
    if await session.scalar(select(asked)):
        raise taken(None)
