"""What a guest does in a session: wait at the door, enter once let in. Nothing of the request is read for them."""

import uuid
from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.encounters.attendance import come
from teleconsult.encounters.models import Encounter, EncounterParticipant, GuestPass
from teleconsult.encounters.queries import OVER, WITH_ROOM, RoomSession, pass_stands, seats_of
from teleconsult.errors import NotFound
from teleconsult.events import tell
from teleconsult.scheduling.models import Appointment


class Admission(StrEnum):
    """What a pass is good for at this moment."""

    DOOR = "door"
    ROOM = "room"


async def knock(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> bool:
    """A guest is there: True where they were let in before, else they wait and those inside are told.

    Raises NotFound when their pass is over, or is for another session.
    """
    _encounter, _appointment, kept, participant = await _own(session, actor, consult_id)
    if kept.admitted_at is not None:
        return True
    is_news = participant.arrived_at is None or participant.left_at is not None
    participant.arrived_at = participant.arrived_at or now()
    participant.left_at = None
    if is_news:
        await tell(session, "GuestChanged", consult=consult_id)
    await session.flush()
    return False


async def turn_away(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> None:
    """A guest stopped waiting. Raises NotFound when their pass is over."""
    _encounter, _appointment, _kept, participant = await _own(session, actor, consult_id)
    participant.left_at = now()
    await tell(session, "GuestChanged", consult=consult_id)
    await session.flush()


async def enter_as_guest(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> RoomSession:
    """A guest who was let in takes their seat. Raises NotFound for anyone else."""
    live = await guest_session(session, actor, consult_id)
    participant = live.mine.participant
    participant.arrived_at = participant.arrived_at or now()
    participant.left_at = None
    await come(session, participant)
    record(session, actor, "guest-joined", live.encounter, patient_id=live.patient_id, consult=consult_id)
    await tell(session, "GuestChanged", consult=consult_id)
    await session.flush()
    return live


async def guest_session(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> RoomSession:
    """The session a guest was let in to. Raises NotFound for anyone else, and once it has ended."""
    encounter, appointment, kept, participant = await _own(session, actor, consult_id)
    seats = await seats_of(session, appointment, encounter)
    mine = next((seat for seat in seats if seat.participant.id == participant.id), None)
    if mine is None:
        raise NotFound
    return RoomSession(encounter, appointment, kept.patient_id, seats, mine)


async def seat_of_guest(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID
) -> tuple[Appointment, GuestPass, EncounterParticipant]:
    """A guest's own seat, whether they were let in or not. Raises NotFound when their pass is over."""
    _encounter, appointment, kept, participant = await _own(session, actor, consult_id)
    return appointment, kept, participant


async def passes_in_force(session: AsyncSession, pass_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Admission]:
    """What these passes are good for now, asked for all at once; what is missing is good for nothing."""
    if not pass_ids:
        return {}
    let_in = case((GuestPass.admitted_at.is_(None), Admission.DOOR.value), else_=Admission.ROOM.value)
    found = await session.execute(
        select(GuestPass.id, let_in)
        .join(Encounter, Encounter.id == GuestPass.encounter_id)
        .join(Appointment, Appointment.id == Encounter.appointment_id)
        .where(
            GuestPass.id.in_(pass_ids),
            pass_stands(),
            session_goes_on(),
            rows.is_permitted(Encounter.service_request_id),
        )
    )
    return {pass_id: Admission(word) for pass_id, word in found}


def session_goes_on() -> ColumnElement[bool]:
    """What guests are for: the session is not over, nor called off."""
    return and_(Encounter.status.not_in(OVER), Encounter.ended_at.is_(None), Appointment.status.in_(WITH_ROOM))


async def _own(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID
) -> tuple[Encounter, Appointment, GuestPass, EncounterParticipant]:
    found = (
        await session.execute(
            select(Encounter, Appointment, GuestPass, EncounterParticipant)
            .select_from(GuestPass)
            .join(Encounter, Encounter.id == GuestPass.encounter_id)
            .join(Appointment, Appointment.id == Encounter.appointment_id)
            .join(EncounterParticipant, EncounterParticipant.guest_pass_id == GuestPass.id)
            .where(
                GuestPass.id == actor.guest_pass_id,
                Encounter.service_request_id == consult_id,
                pass_stands(),
                session_goes_on(),
            )
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    encounter, appointment, kept, participant = found
    return encounter, appointment, kept, participant
