"""Reminders of booked sessions: once for each person, session, time and lead; after a move, of the new time."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.jobs import app
from teleconsult.meetings.models import MeetingCase
from teleconsult.messages.audience import Person, audience
from teleconsult.messages.choices import REMINDERS, choice_of
from teleconsult.messages.occasions import OCCASIONS, REMINDER, Side, Topic
from teleconsult.messages.telling import add_notice
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.scheduling.telling import people_of

AT_ONCE: Final = 500
"""Sessions looked at in one minute, the soonest first."""

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="remind_of_sessions", queueing_lock="remind_of_sessions", pass_context=True)
async def remind_of_sessions(context: JobContext, timestamp: int) -> None:
    """Every minute."""
    sessions: Sessions = context.additional_context["sessions"]
    reminded = await remind(sessions, now())
    if reminded:
        log.info("sessions.reminded", people=reminded, due=timestamp)


async def remind(sessions: Sessions, moment: datetime) -> int:
    """Tell both sides of each session that comes near by now: how many people were told.

    Whatever was missed while nothing ran is made up for by one reminder, the latest that is due.
    """
    async with transaction(sessions, SYSTEM) as session:
        coming = (
            await session.scalars(
                select(Appointment.id)
                .where(
                    Appointment.service_request_id.is_not(None),  # of a meeting: with its first case
                    Appointment.status == AppointmentStatus.BOOKED,
                    Appointment.starts_at > moment,
                    Appointment.starts_at <= moment + timedelta(minutes=max(REMINDERS)),
                )
                .order_by(Appointment.starts_at)
                .limit(AT_ONCE)
            )
        ).all()
    told = 0
    for appointment_id in coming:
        try:
            async with transaction(sessions, SYSTEM) as session:
                told += await _remind_of(session, appointment_id, moment)
        except Exception:
            log.exception("sessions.not_reminded", appointment=str(appointment_id))
    return told


async def _remind_of(session: AsyncSession, appointment_id: uuid.UUID, moment: datetime) -> int:
    """As the session is booked by now: it may have been moved or called off since it was found."""
    appointment = await session.get_one(Appointment, appointment_id)
    if appointment.status is not AppointmentStatus.BOOKED or appointment.service_request_id is None:
        return 0
    consult = await session.get_one(ServiceRequest, appointment.service_request_id)
    people = await audience(
        session,
        consult,
        await _reminded(session, consult, appointment),
        specialist_role_id=appointment.specialist_role_id,
        but=None,
    )
    told = 0
    for person in people:
        told += await _remind_person(session, person, appointment, moment)
    for one in await people_of(session, appointment):
        if one.is_invited:
            invited = Person(one.account, one.role)
            told += await _remind_person(session, invited, appointment, moment, number=consult.number)
    return told


async def _reminded(session: AsyncSession, consult: ServiceRequest, appointment: Appointment) -> frozenset[Side]:
    """Of a team meeting who asked is reminded of their own case, and its members once: of the first."""
    if consult.mode is not ConsultMode.MEETING:
        return OCCASIONS[REMINDER].told
    is_first = exists().where(MeetingCase.appointment_id == appointment.id, MeetingCase.position == 1)
    members = frozenset({Side.MEMBERS}) if await session.scalar(select(is_first)) else frozenset()
    return frozenset({Side.REQUESTER}) | members


async def _remind_person(
    session: AsyncSession, person: Person, appointment: Appointment, moment: datetime, *, number: int | None = None
) -> bool:
    choice = await choice_of(session, person.account.id)
    assert appointment.service_request_id is not None, "it is of a consult"
    lead = due_lead(choice.reminders, appointment, moment) if Topic.REMINDERS in choice.topics else None
    if lead is None:
        return False
    added = await add_notice(
        session,
        person,
        REMINDER,
        consult_id=appointment.service_request_id,
        occurrence=uuid.uuid5(appointment.id, f"{appointment.starts_at.isoformat()} {lead}"),
        happened_at=moment,
        starts_at=appointment.starts_at,
        number=number,
    )
    return added is not None


def due_lead(leads: Iterable[int], appointment: Appointment, moment: datetime) -> int | None:
    """Of these minutes before the session the last that has come, and came after the session was booked."""
    booked_at = appointment.booked_at or appointment.created_at
    due = [
        lead
        for lead in leads
        if booked_at <= appointment.starts_at - timedelta(minutes=lead) <= moment < appointment.starts_at
    ]
    return min(due, default=None)
