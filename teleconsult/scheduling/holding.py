"""Holding the time of everybody and everything a session needs: the database says who was first.

Whoever books takes turns over the same people and things, so that no two wait for each other; that nobody is booked
twice does not rest on it, but on the exclusion constraints.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg.errors import DeadlockDetected, ExclusionViolation, LockNotAvailable
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.encounters.attendance import Span
from teleconsult.encounters.colleagues import shut_out
from teleconsult.errors import Invalid
from teleconsult.scheduling.calendar_mails import owe_withdrawals
from teleconsult.scheduling.common_times import closed_for
from teleconsult.scheduling.diaries import Needed
from teleconsult.scheduling.hours_models import AppointmentParticipant
from teleconsult.scheduling.models import Appointment


def require_open(needed: Needed, session_time: Span) -> None:
    """Raise Invalid on `time`, naming whose hours do not hold all of the session, each on their own clock."""
    closed = closed_for(needed.diaries(), session_time)
    if closed:
        raise Invalid(
            {"time": "This is outside the hours of %(names)s. Choose one of the free times."}, names=", ".join(closed)
        )


async def hold(session: AsyncSession, actor: Actor, appointment: Appointment, needed: Needed) -> None:
    """Have the appointment need just these people and things. Binding they become with the booking, by the database.

    Who is invited no longer comes into the room no longer.
    """
    wanted = {*needed.roles, *needed.things}
    kept = {
        one.practitioner_role_id or one.resource_id: one
        for one in await session.scalars(
            select(AppointmentParticipant).where(AppointmentParticipant.appointment_id == appointment.id)
        )
    }
    gone = [row.id for id, row in kept.items() if id not in wanted]
    if gone:
        out = [row.practitioner_role_id for row in kept.values() if row.id in gone and row.invited_sequence is not None]
        uninvited = [role_id for role_id in out if role_id is not None]
        await owe_withdrawals(session, appointment, uninvited)
        await shut_out(session, actor, appointment.id, uninvited)
        await session.execute(delete(AppointmentParticipant).where(AppointmentParticipant.id.in_(gone)))
    for id in wanted:
        row = kept.get(id) or AppointmentParticipant(
            appointment_id=appointment.id,
            practitioner_role_id=id if id in needed.roles else None,
            resource_id=id if id in needed.things else None,
        )
        row.buffer_minutes = int(needed.buffer(id).total_seconds() // 60)
        row.invited_sequence = _since(appointment, row) if id in needed.invited else None
        session.add(row)
    await session.flush()


def _since(appointment: Appointment, row: AppointmentParticipant) -> int:
    """As of which change of the time a further person is invited: the next one, where it is booked already."""
    if row.invited_sequence is not None:
        return row.invited_sequence
    return appointment.sequence + 1 if appointment.booked_at else 0


@asynccontextmanager
async def in_turn(session: AsyncSession, needed: Needed) -> AsyncIterator[None]:
    """What is flushed inside is booked, moved, or refused. Raises Invalid on `time` where somebody was first."""
    try:
        async with session.begin_nested():
            for id in sorted({*needed.roles, *needed.things}, key=str):
                turn = func.hashtextextended(f"diary {id}", 0)
                await session.execute(select(func.pg_advisory_xact_lock(turn)))
            yield
    except (IntegrityError, OperationalError) as error:
        match error.orig:
            case ExclusionViolation(diag=found):
                raise taken(found.constraint_name) from error
            case DeadlockDetected() | LockNotAvailable():
                raise Invalid({"time": "Somebody is booking the same people just now. Try again."}) from error
        raise


def taken(constraint: str | None) -> Invalid:
    """What is said where a constraint found somebody or something booked then."""
    match constraint:
        case "ex_appointment_participant_person":
            return Invalid({"time": "Somebody of the session is already booked then. Propose another time."})
        case "ex_appointment_participant_resource":
            return Invalid({"time": "The room or device is already booked then. Propose another time."})
        case _:
            return Invalid({"time": "The specialist is already booked then. Propose another time."})
