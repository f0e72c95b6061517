"""The live session as one of its participants sees it, and who of those in it may still be there."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Boolean, ColumnElement, Select, and_, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.access import rows
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import CLOSED_TASKS, ServiceRequest, Task
from teleconsult.consults.queries import lock_consult
from teleconsult.db import asked_at, is_one_of
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.encounters.models import ChatMessage, Encounter, EncounterParticipant, EncounterStatus, GuestPass
from teleconsult.errors import NotFound
from teleconsult.scheduling.models import Appointment, AppointmentStatus

Part = Literal["requester", "specialist", "member", "guest"]
"""`member`: of the team meeting that discusses the consult."""

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
class RoomSession:
    """The encounter, who may be in it, and the seat of whoever asked: all that a guest is told of a consult."""

    encounter: Encounter
    appointment: Appointment
    patient_id: uuid.UUID
    seats: tuple[Seat, ...]
    mine: Seat

    @property
    def consult_id(self) -> uuid.UUID:
        """Whose room it is."""
        return self.encounter.service_request_id

    @property
    def is_open(self) -> bool:
        """Whether the room may be entered: from the booking until the note is signed or the consult closed."""
        return self.encounter.status not in OVER and self.appointment.status in WITH_ROOM

    @property
    def is_running(self) -> bool:
        """Whether the session has begun and is not over."""
        return self.encounter.status is EncounterStatus.IN_PROGRESS and self.encounter.ended_at is None

    @property
    def others(self) -> tuple[Seat, ...]:
        """Everyone but the one who asked."""
        return tuple(seat for seat in self.seats if seat is not self.mine)

    @property
    def professionals(self) -> tuple[Seat, ...]:
        """The two whose session it is: it begins when both are there."""
        return tuple(seat for seat in self.seats if seat.part in ("requester", "specialist"))

    @property
    def counterpart(self) -> Seat:
        """For one of the two whose session it is: the other one; for a member of the meeting one of the two."""
        return next(seat for seat in self.professionals if seat is not self.mine)


@dataclass(frozen=True, slots=True)
class LiveSession(RoomSession):
    """The same for the two whose session it is, with what was asked and the work of answering it."""

    request: ServiceRequest
    task: Task


def _taken_part_in(actor: Actor) -> Select[Encounter, Appointment, ServiceRequest, Task]:
    assert actor.role_id is not None, "who has none takes part in nothing"
    return (
        select(Encounter, Appointment, ServiceRequest, Task)
        .join(Appointment, Appointment.id == Encounter.appointment_id)
        .join(ServiceRequest, ServiceRequest.id == Encounter.service_request_id)
        .join(Task, Task.service_request_id == ServiceRequest.id)
        .where(
            ServiceRequest.id == bindparam("consult_id"),
            rows.encounters(actor),
            or_(
                ServiceRequest.requester_role_id == actor.role_id,
                Task.owner_role_id == actor.role_id,
                rows.meets_over(ServiceRequest.id, actor.role_id, is_called=True),
            ),
            Task.status.not_in(CLOSED_TASKS),
        )
        .order_by(Appointment.created_at.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


_TAKEN_PART_IN: Final = Kept(_taken_part_in)


async def encounter_for(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID, *, lock: bool = False
) -> LiveSession:
    """The session of a consult the actor takes part in: as who asked, as the specialist who accepted, or as a member of
    the team meeting that has called it.

    The same look-up serves the page and the socket. Raises NotFound for anyone else, before the booking,
    and where there is no such consult. With `lock` the consult stays locked until the transaction ends, as in
    `consult_for`.
    """
    if actor.role_id is None:
        raise NotFound
    if lock:
        await lock_consult(session, consult_id)
    query, ids = _TAKEN_PART_IN.asked_by(actor)
    found = (await session.execute(query, {**ids, "consult_id": consult_id})).one_or_none()
    if found is None:
        raise NotFound
    encounter, appointment, request, task = found
    seats = await seats_of(session, appointment, encounter, roles={request.requester_role_id, task.owner_role_id})
    mine = next((seat for seat in seats if seat.participant.practitioner_role_id == actor.role_id), None)
    if mine is None:
        raise NotFound
    return LiveSession(encounter, appointment, request.patient_id, seats, mine, request, task)


async def seats_of(
    session: AsyncSession, appointment: Appointment, encounter: Encounter, *, roles: Collection[uuid.UUID | None] = ()
) -> tuple[Seat, ...]:
    """Who may sit in the room now: the two whose session it is (`roles`, where known), and the guests let in."""
    known = [role_id for role_id in roles if role_id is not None]
    found = await session.execute(_SEATS, {"encounter_id": encounter.id, "all": not roles, "roles": known})
    return tuple(
        Seat(participant, guest_name, "guest")
        if role is None
        else Seat(
            participant,
            role.practitioner.name,
            "member"
            if participant.is_member
            else "specialist"
            if role.id == appointment.specialist_role_id
            else "requester",
        )
        for participant, role, guest_name in found
    )


def pass_stands() -> ColumnElement[bool]:
    """A guest's pass that was opened, has not run out and was not taken back."""
    return and_(GuestPass.opened_at.is_not(None), GuestPass.revoked_at.is_(None), GuestPass.expires_at > asked_at())


_SEATS: Final = (
    select(EncounterParticipant, PractitionerRole, GuestPass.name)
    .outerjoin(PractitionerRole, PractitionerRole.id == EncounterParticipant.practitioner_role_id)
    .outerjoin(GuestPass, GuestPass.id == EncounterParticipant.guest_pass_id)
    .where(
        EncounterParticipant.encounter_id == bindparam("encounter_id"),
        or_(
            and_(bindparam("all", type_=Boolean), EncounterParticipant.practitioner_role_id.is_not(None)),
            EncounterParticipant.practitioner_role_id == any_(bindparam("roles", type_=ARRAY(UUID(as_uuid=True)))),
            EncounterParticipant.is_member,
            and_(pass_stands(), GuestPass.admitted_at.is_not(None)),
        ),
    )
    .options(joinedload(PractitionerRole.practitioner))
    .order_by(EncounterParticipant.id)
)
"""Every join asks it: made once."""


async def chat_of(session: AsyncSession, live: RoomSession) -> list[tuple[ChatMessage, str]]:
    """What was written and who wrote it, oldest first: the newest 500 lines; a guest's since they were let in."""
    newest = (
        select(ChatMessage, Practitioner, GuestPass.name)
        .join(EncounterParticipant, EncounterParticipant.id == ChatMessage.participant_id)
        .outerjoin(PractitionerRole, PractitionerRole.id == EncounterParticipant.practitioner_role_id)
        .outerjoin(Practitioner, Practitioner.id == PractitionerRole.practitioner_id)
        .outerjoin(GuestPass, GuestPass.id == EncounterParticipant.guest_pass_id)
        .where(ChatMessage.encounter_id == live.encounter.id)
        .order_by(ChatMessage.sent_at.desc(), ChatMessage.id)
        .limit(CHAT_LINES)
    )
    if live.mine.participant.guest_pass_id is not None:
        own_pass = select(GuestPass.admitted_at).where(GuestPass.id == live.mine.participant.guest_pass_id)
        newest = newest.where(ChatMessage.sent_at >= own_pass.scalar_subquery())
    found = (await session.execute(newest)).all()
    return [
        (line, practitioner.name if practitioner else guest_name) for line, practitioner, guest_name in reversed(found)
    ]


async def still_taking_part(session: AsyncSession, participant_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these doctors and specialists `encounter_for` would still find in their session, asked for all at once.

    A note that was signed meanwhile closes the room to who is outside; it interrupts nobody who is in.
    """
    if not participant_ids:
        return set()
    return set(
        await session.scalars(
            select(EncounterParticipant.id)
            .join(Encounter, Encounter.id == EncounterParticipant.encounter_id)
            .join(Appointment, Appointment.id == Encounter.appointment_id)
            .join(ServiceRequest, ServiceRequest.id == Encounter.service_request_id)
            .join(Task, Task.service_request_id == ServiceRequest.id)
            .where(
                is_one_of(EncounterParticipant.id, participant_ids),
                rows.held_seats(),
                Task.status.not_in(CLOSED_TASKS),
                Encounter.status != EncounterStatus.CANCELLED,
                Appointment.status.in_(WITH_ROOM),
            )
        )
    )
