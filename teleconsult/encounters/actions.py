"""The live session's acts: plan, arrive, start, leave, end, finish. Each may come twice and does its work once."""

import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Final, Literal, TypeVar

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, ServiceRequest, Task
from teleconsult.encounters.attendance import come, go
from teleconsult.encounters.awaiting import comes_anew, say_who_waits
from teleconsult.encounters.beginning import begin_session
from teleconsult.encounters.call_models import Departure
from teleconsult.encounters.ending import end_session
from teleconsult.encounters.guest_room import enter_as_guest, guest_session
from teleconsult.encounters.models import ChatMessage, Encounter, EncounterParticipant, EncounterStatus, SentFile
from teleconsult.encounters.queries import OVER, LiveSession, RoomSession, encounter_for
from teleconsult.encounters.session_log import chat_as_told, log_event
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.events import tell
from teleconsult.scheduling.models import Appointment, AppointmentStatus

CHAT_LENGTH: Final = 2000
ELSEWHERE: Final = "elsewhere"
WAITING: Final = timedelta(hours=2)
"""From so long before its time on, being in the room is waiting for the session."""


async def plan_encounter(
    session: AsyncSession, actor: Actor, *, request: ServiceRequest, task: Task, appointment: Appointment
) -> Encounter:
    """Open the room of a booked appointment, with a seat for who asked and one for who accepted.

    Part of the booking: call it in the same transaction. A second call gives back the same encounter.
    Raises Refused while nobody has accepted the consult.
    """
    if task.owner_role_id is None:
        raise Refused("No specialist has accepted this consult yet.")
    encounter = await session.scalar(select(Encounter).where(Encounter.appointment_id == appointment.id))
    if encounter is not None:
        return encounter
    encounter = Encounter(id=uuid.uuid4(), service_request_id=request.id, appointment_id=appointment.id)
    session.add(encounter)
    await session.flush()
    for role_id in (request.requester_role_id, task.owner_role_id):
        session.add(EncounterParticipant(encounter_id=encounter.id, practitioner_role_id=role_id))
    record(session, actor, "encounter-planned", encounter, patient_id=request.patient_id, consult=request.id)
    await session.flush()
    return encounter


async def arrive_encounter(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, there: Collection[uuid.UUID | None] = ()
) -> RoomSession:
    """The actor enters the room. The requester's coming makes the encounter and the appointment `arrived`. Where with
    those participants who are `there` both whose session it is are in, it begins in the same act.

    Who comes long before, to try the camera, is not waiting yet: nobody must look for them the day after.
    Raises NotFound for who does not take part, Refused once the room is closed, NotAdmitted for a guest who has to
    wait at the door.
    """
    if actor.guest_pass_id is not None:
        return await enter_as_guest(session, actor, consult_id=consult_id)
    live = _if_open(await encounter_for(session, actor, consult_id, lock=True))
    participant, encounter = live.mine.participant, live.encounter
    is_first, is_anew = participant.arrived_at is None, comes_anew(participant)
    participant.arrived_at = participant.arrived_at or now()
    participant.left_at = None
    await come(session, participant)
    is_time = live.appointment.starts_at - now() <= WAITING
    if live.mine.part == "requester" and encounter.status is EncounterStatus.PLANNED and is_time:
        encounter.status = EncounterStatus.ARRIVED
        live.appointment.status = AppointmentStatus.ARRIVED
    if is_first:
        _record(session, actor, "encounter-arrived", live)
        await tell(session, "EncounterArrived", consult=live.request.id, encounter=encounter.id)
    else:
        _record(session, actor, "encounter-rejoined", live)
    if is_anew and is_time:
        await say_who_waits(session, live)
    if {seat.participant.id for seat in live.professionals} <= {*there, participant.id}:
        await _begin(session, actor, live)
    await session.flush()
    return live


async def start_encounter(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> LiveSession:
    """Both are in: the session begins, or goes on when it had ended and both came back. Guests start nothing.

    A case of a team meeting begins when it is called (`meetings.running`), whoever is there.
    Raises NotFound, Refused when the room is closed or somebody never came.
    """
    live = _if_open(await encounter_for(session, actor, consult_id, lock=True))
    if any(seat.participant.arrived_at is None for seat in live.professionals):
        raise Refused("Not everyone has arrived.")
    await _begin(session, actor, live)
    return live


async def _begin(session: AsyncSession, actor: Actor, live: LiveSession) -> None:
    if live.request.mode is ConsultMode.MEETING or live.is_running:
        return
    await begin_session(
        session,
        actor,
        request=live.request,
        task=live.task,
        appointment=live.appointment,
        encounter=live.encounter,
    )


async def leave_encounter(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: Literal["left", "lost"]
) -> RoomSession:
    """The actor goes out, by choice or because the line was lost.

    A session that runs ends when the specialist leaves by choice: the appointment is fulfilled, the task waits
    `unsigned` for the note. Raises NotFound; in a closed room nothing but the leaving is noted.
    """
    live = await session_for(session, actor, consult_id)
    live.mine.participant.left_at = now()
    await go(session, live.mine.participant.id, Departure(reason))
    _record(session, actor, "encounter-left", live, reason=reason)
    if not isinstance(live, LiveSession):
        await tell(session, "GuestChanged", consult=consult_id)
        return live
    is_led = live.request.mode is ConsultMode.MEETING  # then who leads it says when a case is over
    is_end = reason == "left" and live.mine.part == "specialist" and live.is_open and not is_led
    if is_end and live.is_running:
        await end_session(
            session,
            actor,
            request=live.request,
            task=live.task,
            appointment=live.appointment,
            encounter=live.encounter,
            at=now(),
        )
    await session.flush()
    return live


async def finish_encounter(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> None:
    """The note is signed: close the room for good. Does nothing where no session was planned.

    Part of the signing, which holds the consult's lock.
    """
    encounter = await session.scalar(
        select(Encounter).where(Encounter.service_request_id == consult_id, Encounter.status.not_in(OVER))
    )
    if encounter is None:
        return
    encounter.status = EncounterStatus.FINISHED
    encounter.ended_at = encounter.ended_at or now()
    record(session, actor, "encounter-finished", encounter, consult=consult_id)
    await tell(session, "EncounterFinished", consult=consult_id, encounter=encounter.id)
    await session.flush()


async def say(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    message_id: uuid.UUID,
    text: str,
    file: SentFile | None = None,
) -> ChatMessage:
    """Keep a line of the chat, or of a file that was sent. The same `message_id` from the same person is the same line.

    Raises NotFound, Refused when the room is closed, Invalid on an empty or overlong text, Conflict when the
    id is somebody else's.
    """
    live = _if_open(await session_for(session, actor, consult_id))
    if not text.strip() or len(text) > CHAT_LENGTH:
        raise Invalid({"text": "Write between 1 and 2,000 characters."})
    written = {"encounter_id": live.encounter.id, "participant_id": live.mine.participant.id, "text": text}
    line = written if file is None else {**written, **file.columns}
    kept: ChatMessage | None = await session.scalar(
        insert(ChatMessage).values(id=message_id, sent_at=now(), **line).on_conflict_do_nothing().returning(ChatMessage)
    )
    if kept is not None:
        _record(session, actor, "chat-written" if file is None else "chat-file-sent", live, message=str(message_id))
        await session.flush()
        await log_event(session, live.encounter, "chat", chat_as_told(kept, name=live.mine.name))
        return kept
    # Of another room the database shows nothing, but the id is taken.
    known = await session.get(ChatMessage, message_id)
    if known is None or known.participant_id != live.mine.participant.id:
        raise Conflict("This message is somebody else's.")
    return known


async def remove_participant(session: AsyncSession, *, participant_id: uuid.UUID, reason: str) -> None:
    """Note that a window of somebody's was taken out of the room: the system's own act.

    They are gone themselves, unless they are there by another window (`elsewhere`). Raises NotFound where no record of
    the session stands any more.
    """
    participant = await session.get(EncounterParticipant, participant_id)
    if participant is None:
        raise NotFound
    if reason != ELSEWHERE:
        participant.left_at = now()
        await go(session, participant_id, Departure.REMOVED)
    consult_id, patient_id = (
        await session.execute(
            select(ServiceRequest.id, ServiceRequest.patient_id)
            .join(Encounter, Encounter.service_request_id == ServiceRequest.id)
            .where(Encounter.id == participant.encounter_id)
        )
    ).one()
    record(
        session, SYSTEM, "participant-removed", participant, patient_id=patient_id, consult=consult_id, reason=reason
    )
    await tell(session, "GuestChanged", consult=consult_id)
    await session.flush()


async def session_for(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> RoomSession:
    """The session as the actor may see it: whole and locked for the two whose it is, little of it for a guest."""
    if actor.guest_pass_id is not None:
        return await guest_session(session, actor, consult_id)
    return await encounter_for(session, actor, consult_id, lock=True)


R = TypeVar("R", bound=RoomSession)


def _if_open(live: R) -> R:
    if not live.is_open:
        raise Refused("The room of this consult is closed.")
    return live


def _record(session: AsyncSession, actor: Actor, action: str, live: RoomSession, **detail: str) -> None:
    record(session, actor, action, live.encounter, patient_id=live.patient_id, consult=live.consult_id, **detail)
