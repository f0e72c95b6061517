"""Holding a meeting: its chair calls one case after the other, in one call (`meetings.sitting`).

The members stay in the call; who asked is in it while their own case is called. What is written, shown and recorded
belongs to that one consult, and each case has an Encounter of its own (ADR 38).
"""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.db import act_as
from teleconsult.encounters.attendance import all_gone
from teleconsult.encounters.beginning import begin_session
from teleconsult.encounters.ending import end_session
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.encounters.queries import OVER
from teleconsult.errors import NotFound, Refused
from teleconsult.meetings.attendance import quorum_for
from teleconsult.meetings.listing import leave_list, tell_moved
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingCase
from teleconsult.meetings.queries import case_called, case_in, cases_of, meeting_for, require_run
from teleconsult.scheduling.models import LOST_APPOINTMENTS, AppointmentStatus

EARLY: Final = timedelta(hours=1)
"""A meeting may begin so long before its time."""
DISCUSSABLE: Final = (TaskStatus.ACCEPTED, TaskStatus.IN_PROGRESS)
NOT_REACHED: Final = "The meeting ended before this case was reached."


async def call_case(session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, case_id: uuid.UUID) -> MeetingCase:
    """Discuss this case now; the one before it is over. One that was discussed already may be called again.

    Raises NotFound, Forbidden for who does not lead it, Refused long before its time or once it is over, and for a case
    that is off the list, concluded, or waits for information.
    """
    meeting = await _led(session, actor, meeting_id)
    case = await case_in(session, meeting, case_id)
    if meeting.appointment.starts_at > now() + EARLY:
        raise Refused("This meeting can begin an hour before its time.")
    if case.status is CaseStatus.CALLED:
        return case
    if case.status not in STANDING or case.appointment.status in LOST_APPOINTMENTS:
        raise Refused("This case is off the list already.")
    await _close(session, actor, meeting)
    consult = await consult_for(session, actor, case.service_request_id, lock=True)
    task, turn = consult.task, consult.appointment
    if task is None or turn is None or turn.encounter is None or turn.encounter.status in OVER:
        raise Refused("This case is concluded, or it was called off.")
    if task.status not in DISCUSSABLE:
        raise Refused("More information is wanted for this case first.")
    moment = now()
    case.status, case.ended_at, case.has_quorum = CaseStatus.CALLED, None, None
    case.called_at = case.called_at or moment
    meeting.started_at = meeting.started_at or moment
    meeting.appointment.status = AppointmentStatus.ARRIVED
    await session.flush()
    await begin_session(session, actor, request=consult, task=task, appointment=turn, encounter=turn.encounter)
    consult.updated_at = moment
    audit.record(session, actor, "case-called", consult, patient_id=consult.patient_id, meeting=meeting.id)
    await session.flush()
    await tell_moved(session, meeting)
    await tell_consult(session, "ConsultCalled", consult)
    return case


async def next_case(
    session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, after: uuid.UUID | None = None
) -> MeetingCase | None:
    """The first case that was not discussed yet, called; None where there is none: then the last one is over.

    One that waits for information is passed over. `after` is the case the actor saw discussed, None for none: where
    the meeting went on meanwhile, or they pressed twice, it stays with the case that is called now.
    """
    meeting = await _led(session, actor, meeting_id)
    called = await case_called(session, meeting)
    if called is not None and called.id != after:
        return called
    waiting = [
        case
        for case in await cases_of(session, meeting)
        if case.status is CaseStatus.LISTED and case.appointment.status not in LOST_APPOINTMENTS and _is_ready(case)
    ]
    if waiting:
        return await call_case(session, actor, meeting_id=meeting_id, case_id=waiting[0].id)
    await _close(session, actor, meeting)
    await tell_moved(session, meeting)
    return None


async def end_meeting(session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID) -> Meeting:
    """The meeting is over; what was not reached is postponed to the next one. Raises NotFound, Forbidden, Refused."""
    meeting = await _led(session, actor, meeting_id)
    if meeting.started_at is None:
        raise Refused("This meeting has not begun.")
    await _close(session, actor, meeting)
    meeting.ended_at = now()
    meeting.appointment.status = AppointmentStatus.FULFILLED
    audit.record(session, actor, "meeting-ended", meeting)
    await session.flush()
    for case in await cases_of(session, meeting):
        if case.status is CaseStatus.LISTED and case.appointment.status not in LOST_APPOINTMENTS:
            await leave_list(session, actor, meeting, case, status=CaseStatus.POSTPONED, reason=NOT_REACHED)
    await tell_moved(session, meeting)
    return meeting


async def note_presence(
    session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, role_ids: frozenset[uuid.UUID]
) -> Meeting:
    """The chair has seen these members in the house: they count as present from now on, the others by their video.

    Raises NotFound, Forbidden, Refused once it is over.
    """
    meeting = await _led(session, actor, meeting_id)
    for member in meeting.members:
        member.is_here = member.practitioner_role_id in role_ids
    audit.record(session, actor, "meeting-presence", meeting, members=len(role_ids))
    await session.flush()
    return meeting


def _is_ready(case: MeetingCase) -> bool:
    task = case.consult.task
    return task is not None and task.status in DISCUSSABLE


async def _led(session: AsyncSession, actor: Actor, meeting_id: uuid.UUID) -> Meeting:
    require(actor, Permission.SESSION_JOIN)
    meeting = await meeting_for(session, actor, meeting_id, lock=True)
    require_run(meeting, actor, by_chair=True)
    return meeting


async def _close(session: AsyncSession, actor: Actor, meeting: Meeting) -> None:
    """The case that is discussed now is over: who was there is written down, its session ends."""
    case = await case_called(session, meeting)
    if case is None:
        return
    quorum = await quorum_for(session, meeting, case)
    case.present = [{"role_id": one.role_id, "name": one.name, "specialty": one.specialty} for one in quorum.present]
    case.has_quorum, case.status, case.ended_at = quorum.is_reached, CaseStatus.DISCUSSED, now()
    await session.flush()
    await _empty_room(session, actor, case)
    try:
        consult = await consult_for(session, actor, case.service_request_id, lock=True)
    except NotFound:  # called off, or taken out of the actor's sight
        return
    await _end_session(session, actor, consult)
    audit.record(session, actor, "case-discussed", consult, patient_id=consult.patient_id, meeting=meeting.id)
    await session.flush()
    await tell_consult(session, "ConsultDiscussed", consult)


async def _empty_room(session: AsyncSession, actor: Actor, case: MeetingCase) -> None:
    """Nobody is over this case any more: members sit on in the call, who asked comes back to the room of their own."""
    encounter_id = select(Encounter.id).where(Encounter.appointment_id == case.appointment_id).scalar_subquery()
    await act_as(session, SYSTEM)  # the chair ends what others began
    await all_gone(session, encounter_id)
    await act_as(session, actor)


async def _end_session(session: AsyncSession, actor: Actor, consult: ServiceRequest) -> None:
    task, turn = consult.task, consult.appointment
    if task is None or turn is None or turn.encounter is None:
        return
    if turn.encounter.status is EncounterStatus.IN_PROGRESS and turn.encounter.ended_at is None:
        await end_session(
            session, actor, request=consult, task=task, appointment=turn, encounter=turn.encounter, at=now()
        )
