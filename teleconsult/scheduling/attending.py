"""Whether a booked session was held: found by who was really there, or said by the coordinator.

Having been in the room hours before, to try the camera, is not having come. A session that both left without saying so
(the tab was closed, the telephone went dead) ends by itself.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ConsultMode, ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for, lock_consult, whole
from teleconsult.consults.states import ConsultState, Verb, require, state_of
from teleconsult.encounters.actions import WAITING
from teleconsult.encounters.attendance import Span, Stay, length_of, spans_of, stays_of, together
from teleconsult.encounters.ending import end_session
from teleconsult.encounters.models import EncounterParticipant, EncounterStatus
from teleconsult.errors import Refused
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.settings import Settings

HELD: Final = timedelta(minutes=1)
"""Both in the room for so long around the booked time, and there was a session."""
HELD_EARLY: Final = timedelta(minutes=5)
"""The same, whenever it was: they agreed to meet sooner."""
LONGEST_ALONE: Final = timedelta(hours=1)
"""Who has been alone for so long in a session that was held forgot to close the page."""


class Missed(StrEnum):
    """Why a booked session was not held."""

    NOBODY_CAME = "nobody-came"
    NO_REQUESTER = "no-requester"
    NO_SPECIALIST = "no-specialist"
    NOT_TOGETHER = "not-together"
    """Both came, but not at the same time, or the line held for a moment only."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Who of the two was there, and when."""

    requester: list[Span]
    specialist: list[Span]
    is_anyone_there: bool

    @property
    def last_seen(self) -> datetime | None:
        """When the last of them went; now where somebody is there."""
        return max((span.end for span in (*self.requester, *self.specialist)), default=None)

    @property
    def last_together(self) -> datetime | None:
        """Until when both were there."""
        return max((span.end for span in together(self.requester, self.specialist)), default=None)

    def since(self, moment: datetime) -> "Presence":
        """What of it lies after that moment."""
        return Presence(_after(self.requester, moment), _after(self.specialist, moment), self.is_anyone_there)

    def is_held(self, starts_at: datetime) -> bool:
        """Whether they met for long enough to speak of a session."""
        around = self.since(starts_at - WAITING)
        return (
            length_of(together(around.requester, around.specialist)) >= HELD
            or length_of(together(self.requester, self.specialist)) >= HELD_EARLY
        )

    def missed(self, starts_at: datetime) -> Missed:
        """Who was missing at the booked time, where there was no session."""
        around = self.since(starts_at - WAITING)
        if not around.requester and not around.specialist:
            return Missed.NOBODY_CAME
        if not around.requester:
            return Missed.NO_REQUESTER
        return Missed.NOT_TOGETHER if around.specialist else Missed.NO_SPECIALIST


async def mark_missed(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> ServiceRequest:
    """The coordinator says that the booked session did not take place; a new time can be proposed at once.

    Raises NotFound, Forbidden, Refused before the booked time, once the session has begun, and the second time.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.MARK_MISSED)
    appointment = consult.appointment
    assert appointment is not None, "the state has one"
    if appointment.starts_at > now():
        raise Refused("The booked time has not come yet.")
    await _miss(session, actor, consult, appointment, await _presence(session, consult))
    return consult


async def settle(session: AsyncSession, settings: Settings, *, consult_id: uuid.UUID) -> AppointmentStatus | None:
    """End a session that both have left, or note that a booked one was missed: what became of it, if anything did.

    The system's own act. Who waits in the room is waited with for two hours after the booked end.
    """
    await lock_consult(session, consult_id)
    consult = (
        await session.scalars(
            select(ServiceRequest)
            .where(ServiceRequest.id == consult_id)
            .options(*whole())
            .execution_options(populate_existing=True)
        )
    ).one()
    state, appointment = state_of(consult), consult.appointment
    if appointment is None or state not in (ConsultState.SCHEDULED, ConsultState.ARRIVED, ConsultState.IN_SESSION):
        return None
    if consult.mode is ConsultMode.MEETING:
        return None  # who leads the team meeting says when a case is over, and what becomes of one that was not reached
    presence = await _presence(session, consult)
    if state is ConsultState.IN_SESSION and presence.is_held(appointment.starts_at):
        ended_at = _ended_at(presence, timedelta(minutes=settings.session_end_minutes))
        if ended_at is not None:
            await _end(session, consult, appointment, ended_at)
    elif consult.mode is ConsultMode.EMERGENCY:
        return None  # nobody's booking: what was said on the telephone is written down all the same
    elif now() >= _given_up_at(appointment, presence, timedelta(minutes=settings.missed_minutes)):
        await _miss(session, SYSTEM, consult, appointment, presence)
    return appointment.status if appointment.status in (AppointmentStatus.FULFILLED, AppointmentStatus.NOSHOW) else None


def _ended_at(presence: Presence, gone_for: timedelta) -> datetime | None:
    """When a session that was held ended; None while it may go on."""
    last_seen, last_together = presence.last_seen, presence.last_together
    assert last_seen is not None and last_together is not None, "they met"
    if not presence.is_anyone_there:
        return last_seen if now() - last_seen >= gone_for else None
    return last_together if now() - last_together >= LONGEST_ALONE else None


def _given_up_at(appointment: Appointment, presence: Presence, grace: timedelta) -> datetime:
    return appointment.ends_at + (WAITING if presence.is_anyone_there else grace)


async def _end(session: AsyncSession, consult: ServiceRequest, appointment: Appointment, at: datetime) -> None:
    assert consult.task is not None and appointment.encounter is not None, "a session has both"
    await end_session(
        session,
        SYSTEM,
        request=consult,
        task=consult.task,
        appointment=appointment,
        encounter=appointment.encounter,
        at=at,
    )


async def _miss(
    session: AsyncSession, actor: Actor, consult: ServiceRequest, appointment: Appointment, presence: Presence
) -> None:
    """Appointment `noshow`, task `on-hold`, encounter `cancelled`; both sides and the coordinator hear of it."""
    missed, moment = presence.missed(appointment.starts_at), now()
    assert consult.task is not None and appointment.encounter is not None, "what is booked has both"
    appointment.status, appointment.status_reason = AppointmentStatus.NOSHOW, missed
    appointment.encounter.status = EncounterStatus.CANCELLED
    consult.task.status, consult.task.modified_at = TaskStatus.ON_HOLD, moment
    consult.task.business_status = ""
    consult.updated_at = moment
    audit.record(
        session, actor, "session-missed", consult, patient_id=consult.patient_id, appointment=appointment.id, why=missed
    )
    await session.flush()
    await tell_consult(session, "ConsultMissed", consult)


async def _presence(session: AsyncSession, consult: ServiceRequest) -> Presence:
    appointment = consult.appointment
    assert appointment is not None and appointment.encounter is not None, "what is booked has a session"
    stays = await stays_of(session, appointment.encounter.id)
    seats = (
        await session.scalars(
            select(EncounterParticipant).where(EncounterParticipant.encounter_id == appointment.encounter.id)
        )
    ).all()
    requester, specialist = (
        next(seat.id for seat in seats if seat.practitioner_role_id == role_id)
        for role_id in (consult.requester_role_id, appointment.specialist_role_id)
    )
    return Presence(spans_of(stays, requester), spans_of(stays, specialist), _is_there(stays, requester, specialist))


def _is_there(stays: list[Stay], *participants: uuid.UUID) -> bool:
    return any(stay.how is None and stay.participant_id in participants for stay in stays)


def _after(spans: list[Span], moment: datetime) -> list[Span]:
    return [Span(max(span.start, moment), span.end) for span in spans if span.end > moment]
