"""The live session as one of its participants sees it."""

import uuid
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import CLOSED_TASKS, ServiceRequest, Task
from teleconsult.consults.queries import lock_consult
from teleconsult.directory.models import PractitionerRole
from teleconsult.encounters.models import ChatMessage, Encounter, EncounterParticipant, EncounterStatus
from teleconsult.errors import NotFound
from teleconsult.scheduling.models import Appointment, AppointmentStatus

Part = Literal["requester", "specialist"]

WITH_ROOM: Final = (AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED, AppointmentStatus.FULFILLED)
OVER: Final = (EncounterStatus.FINISHED, EncounterStatus.CANCELLED)
CHAT_LINES: Final = 500


@dataclass(frozen=True, slots=True)
class Seat:
    """Someone who may sit in the room, and as what."""

    participant: EncounterParticipant
    name: str
    part: Part


@dataclass(frozen=True, slots=True)
class LiveSession:
    """The encounter with what stands around it, and the seat of whoever asked."""

    encounter: Encounter
    appointment: Appointment
    request: ServiceRequest
    task: Task
    seats: tuple[Seat, ...]
    mine: Seat

    @property
    def is_open(self) -> bool:
        """Whether the room may be entered: from the booking until the note is signed or the consult closed."""
        return self.encounter.status not in OVER and self.appointment.status in WITH_ROOM

    @property
    def others(self) -> tuple[Seat, ...]:
        """Everyone but the one who asked."""
        return tuple(seat for seat in self.seats if seat is not self.mine)


async def encounter_for(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID, *, lock: bool = False
) -> LiveSession:
    """The session of a consult the actor takes part in: as who asked, or as the specialist who accepted.

    The same look-up serves the page and the socket. Raises NotFound for anyone else, before the booking,
    and where there is no such consult. With `lock` the consult stays locked until the transaction ends, as in
    `consult_for`.
    """
    if lock:
        await lock_consult(session, consult_id)
    query = (
        select(Encounter, Appointment, ServiceRequest, Task)
        .join(Appointment, Appointment.id == Encounter.appointment_id)
        .join(ServiceRequest, ServiceRequest.id == Encounter.service_request_id)
        .join(Task, Task.service_request_id == ServiceRequest.id)
        .join(EncounterParticipant, EncounterParticipant.encounter_id == Encounter.id)
        .where(
            ServiceRequest.id == consult_id,
            EncounterParticipant.practitioner_role_id == actor.role_id,
            Task.status.not_in(CLOSED_TASKS),
        )
        .order_by(Appointment.created_at.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise NotFound
    encounter, appointment, request, task = found
    seats = await _seats(session, encounter, request)
    mine = next(seat for seat in seats if seat.participant.practitioner_role_id == actor.role_id)
    return LiveSession(encounter, appointment, request, task, seats, mine)


async def _seats(session: AsyncSession, encounter: Encounter, request: ServiceRequest) -> tuple[Seat, ...]:
    rows = await session.execute(
        select(EncounterParticipant, PractitionerRole)
        .join(PractitionerRole, PractitionerRole.id == EncounterParticipant.practitioner_role_id)
        .where(EncounterParticipant.encounter_id == encounter.id)
        .options(joinedload(PractitionerRole.practitioner))
        .order_by(EncounterParticipant.id)
    )
    return tuple(
        Seat(participant, role.practitioner.name, "requester" if role.id == request.requester_role_id else "specialist")
        for participant, role in rows
    )


async def chat_of(session: AsyncSession, live: LiveSession) -> list[ChatMessage]:
    """What was written, oldest first: the newest 500 lines."""
    newest = (
        select(ChatMessage)
        .where(ChatMessage.encounter_id == live.encounter.id)
        .order_by(ChatMessage.sent_at.desc(), ChatMessage.id)
        .limit(CHAT_LINES)
    )
    return list(reversed((await session.scalars(newest)).all()))
