"""The list of a meeting's cases: put on it, put in order, postponed, taken off.

A case has a time of its own within the meeting, after those before it, and a session with a seat for who asked, who
writes the conclusion, and each member. Who asked is booked for their case's minutes alone.
"""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest, TaskStatus
from teleconsult.consults.modes import free_time, into_writing
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, Verb, require, state_of
from teleconsult.db import act_as
from teleconsult.encounters.actions import plan_encounter
from teleconsult.encounters.models import EncounterParticipant
from teleconsult.errors import Invalid, Refused
from teleconsult.events import tell
from teleconsult.jobs import defer
from teleconsult.meetings.holding import keep_free, only
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingCase
from teleconsult.meetings.queries import case_in, cases_of, meeting_for, require_run
from teleconsult.scheduling.holding import in_turn
from teleconsult.scheduling.hours_models import AppointmentParticipant
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment, AppointmentStatus

MOST_CASES: Final = 40
LONGEST_CASE: Final = 120
LONGEST_REASON: Final = 500
OVER: Final = (ConsultState.SIGNED, ConsultState.DELIVERED, ConsultState.ACKNOWLEDGED, ConsultState.RETRACTED)


async def put_on_list(
    session: AsyncSession,
    actor: Actor,
    *,
    meeting_id: uuid.UUID,
    consult_id: uuid.UUID,
    minutes: int = 10,
    presenter_id: uuid.UUID | None = None,
) -> MeetingCase:
    """Put a consult last on the list. Where nobody has accepted it, who leads the meeting writes its conclusion.

    Raises NotFound, Forbidden, Refused for a consult that is not for a meeting, on a list already or too far, Invalid
    on `consult` for another service's, on `minutes`, `presenter`, and on `time` where who asked is booked then.
    """
    meeting = await meeting_for(session, actor, meeting_id, lock=True)
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.PUT_ON_LIST)
    require_run(meeting, actor)
    case = await enlist(session, actor, meeting, consult, minutes=minutes, presenter_id=presenter_id)
    await tell_consult(session, "ConsultPutOnList", consult)
    return case


async def enlist(
    session: AsyncSession,
    actor: Actor,
    meeting: Meeting,
    consult: ServiceRequest,
    *,
    minutes: int,
    presenter_id: uuid.UUID | None,
) -> MeetingCase:
    """What that does to the rows; the consult is whole and locked, the meeting is, too."""
    _check_case(meeting, consult, minutes, presenter_id)
    assert consult.task is not None, "what is to be answered has a task"
    cases = [case for case in await cases_of(session, meeting) if case.status in STANDING]
    if len(cases) >= MOST_CASES:
        raise Invalid({"consult": "This list is full. Choose another meeting."})
    moment = now()
    await _clear(session, actor, consult)
    is_for_chair = consult.task.owner_role_id is None
    if is_for_chair:
        consult.task.owner_role_id = meeting.chair_role_id
    consult.task.status, consult.task.business_status, consult.task.modified_at = TaskStatus.ACCEPTED, "", moment
    starts_at = max([case.appointment.ends_at for case in cases], default=meeting.appointment.starts_at)
    turn = Appointment(
        id=uuid.uuid4(),
        service_request_id=consult.id,
        specialist_role_id=consult.task.owner_role_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        created_by_id=actor.role_id or meeting.created_by_id,
        created_at=moment,
    )
    session.add(turn)
    await session.flush()
    await _book(session, turn, consult.requester_role_id)
    case = MeetingCase(
        id=uuid.uuid4(),
        meeting_id=meeting.id,
        service_request_id=consult.id,
        appointment_id=turn.id,
        position=max([case.position for case in cases], default=0) + 1,
        minutes=minutes,
        presenter_role_id=presenter_id,
        is_for_chair=is_for_chair,
        created_at=moment,
    )
    session.add(case)
    await session.flush()
    encounter = await plan_encounter(session, actor, request=consult, task=consult.task, appointment=turn)
    session.add_all(
        EncounterParticipant(
            encounter_id=encounter.id, practitioner_role_id=member.practitioner_role_id, is_member=True
        )
        for member in meeting.members
        if member.practitioner_role_id not in (consult.requester_role_id, consult.task.owner_role_id)
    )
    consult.updated_at = moment
    audit.record(session, actor, "case-listed", consult, patient_id=consult.patient_id, meeting=meeting.id)
    await session.flush()
    return case


async def set_case(
    session: AsyncSession,
    actor: Actor,
    *,
    meeting_id: uuid.UUID,
    case_id: uuid.UUID,
    minutes: int,
    presenter_id: uuid.UUID | None,
) -> MeetingCase:
    """Say how long a case is to take and who presents it. Raises NotFound, Forbidden, Refused, Invalid."""
    meeting = await meeting_for(session, actor, meeting_id, lock=True)
    case = await case_in(session, meeting, case_id)
    require_run(meeting, actor)
    consult = await consult_for(session, actor, case.service_request_id, lock=True)
    _check_case(meeting, consult, minutes, presenter_id)
    if case.status is not CaseStatus.LISTED:
        raise Refused("This case has been discussed already, or it is off the list.")
    case.minutes, case.presenter_role_id = minutes, presenter_id
    await session.flush()
    await retime(session, actor, meeting)
    return case


async def move_case(session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, case_id: uuid.UUID, to: int) -> None:
    """Put a case at that place of the list, from 1; the others close up, and the times follow.

    Raises NotFound, Forbidden, Refused once it was called, Invalid on `time` where who asked is booked then.
    """
    meeting = await meeting_for(session, actor, meeting_id, lock=True)
    case = await case_in(session, meeting, case_id)
    require_run(meeting, actor)
    if case.status is not CaseStatus.LISTED:
        raise Refused("This case has been discussed already, or it is off the list.")
    standing = [one for one in await cases_of(session, meeting) if one.status in STANDING]
    others = [one for one in standing if one.id != case_id]
    called = sum(one.status is not CaseStatus.LISTED for one in others)
    moved = next(one for one in standing if one.id == case_id)
    others.insert(min(max(to - 1, called), len(others)), moved)
    for number, one in enumerate(others, 1):
        one.position = number
    await session.flush()
    await retime(session, actor, meeting)


async def postpone_case(
    session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, case_id: uuid.UUID, reason: str
) -> MeetingCase:
    """To the service's next meeting, with a reason: it is put on that list, if there is one, else it waits for one.

    Also once the meeting has ended. Raises NotFound, Forbidden, Refused once it is concluded or off the list, Invalid
    without a reason.
    """
    meeting, case = await _to_leave(session, actor, meeting_id, case_id)
    await leave_list(session, actor, meeting, case, status=CaseStatus.POSTPONED, reason=_checked_reason(reason))
    return case


async def take_off(
    session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, case_id: uuid.UUID, reason: str
) -> MeetingCase:
    """Off the list, with a reason: it waits for another meeting, or for another mode. Raises as `postpone_case`."""
    meeting, case = await _to_leave(session, actor, meeting_id, case_id)
    await leave_list(session, actor, meeting, case, status=CaseStatus.REMOVED, reason=_checked_reason(reason))
    return case


async def pass_to_writing(
    session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, case_id: uuid.UUID, reason: str
) -> MeetingCase:
    """Have it answered in writing by one specialist instead, with a reason. Raises as `postpone_case`."""
    meeting, case = await _to_leave(session, actor, meeting_id, case_id)
    consult = await consult_for(session, actor, case.service_request_id, lock=True)
    reason = _checked_reason(reason)
    await leave_list(session, actor, meeting, case, status=CaseStatus.REMOVED, reason=reason, is_told=False)
    into_writing(consult)
    audit.record(session, actor, "mode-changed", consult, patient_id=consult.patient_id, mode=consult.mode.value)
    await session.flush()
    await tell_consult(session, "ConsultModeChanged", consult, by=actor.role_id)
    return case


async def leave_list(
    session: AsyncSession,
    actor: Actor,
    meeting: Meeting,
    case: MeetingCase,
    *,
    status: CaseStatus,
    reason: str,
    is_told: bool = True,
) -> None:
    """The case leaves the list: its time is free, its request waits. A postponed one is put on the next list."""
    from teleconsult.meetings.jobs import relist_case

    consult = await consult_for(session, actor, case.service_request_id, lock=True)
    if state_of(consult) in OVER:
        raise Refused("This case is concluded: its note is signed.")
    free_time(consult)
    if consult.appointment is not None:
        consult.appointment.status_reason = reason
    if consult.task is not None and consult.task.status in (TaskStatus.IN_PROGRESS, TaskStatus.ACCEPTED):
        consult.task.status, consult.task.business_status = TaskStatus.ACCEPTED, ""
        consult.task.modified_at = now()
    was_called = case.status is CaseStatus.CALLED
    case.status, case.reason, case.ended_at = status, reason, case.ended_at or now()
    consult.updated_at = now()
    audit.record(
        session,
        actor,
        "case-postponed" if status is CaseStatus.POSTPONED else "case-removed",
        consult,
        patient_id=consult.patient_id,
        meeting=meeting.id,
    )
    await session.flush()
    if is_told:
        await tell_consult(
            session, "ConsultPostponed" if status is CaseStatus.POSTPONED else "ConsultTakenOffList", consult
        )
    if was_called:
        await tell_moved(session, meeting)
    if status is CaseStatus.POSTPONED:
        await defer(session, relist_case, case_id=str(case.id))


async def tell_moved(session: AsyncSession, meeting: Meeting) -> None:
    """Have the meeting's call look again which case it discusses, if any, and who may be in it."""
    await tell(session, "MeetingMoved", meeting=meeting.id)


async def retime(session: AsyncSession, actor: Actor, meeting: Meeting) -> None:
    """Have each case that is still to come begin when those before it end. Raises Invalid on `time`."""
    await act_as(session, SYSTEM)  # who asked is booked for their turn: whoever leads the meeting arranges no bookings
    await _retime(session, meeting)
    await act_as(session, actor)


async def _retime(session: AsyncSession, meeting: Meeting) -> None:
    cases = [case for case in await cases_of(session, meeting) if case.status in STANDING]
    cursor, changed = meeting.appointment.starts_at, []
    for case in cases:
        if case.appointment.status in LOST_APPOINTMENTS:
            continue
        end = cursor + timedelta(minutes=case.minutes)
        if case.status is CaseStatus.LISTED and (case.appointment.starts_at, case.appointment.ends_at) != (cursor, end):
            changed.append((case, cursor, end))
        cursor = end
    if not changed:
        return
    times = [case.appointment_id for case, _, _ in changed]
    async with in_turn(session, only(*{case.consult.requester_role_id for case, _, _ in changed})):
        # All of them are free first: two cases of one doctor may change places.
        await session.execute(delete(AppointmentParticipant).where(AppointmentParticipant.appointment_id.in_(times)))
        for case, start, end in changed:
            case.appointment.starts_at, case.appointment.ends_at = start, end
        await session.flush()
        session.add_all(
            AppointmentParticipant(
                appointment_id=case.appointment_id, practitioner_role_id=case.consult.requester_role_id
            )
            for case, _, _ in changed
        )
        await session.flush()


async def _to_leave(
    session: AsyncSession, actor: Actor, meeting_id: uuid.UUID, case_id: uuid.UUID
) -> tuple[Meeting, MeetingCase]:
    meeting = await meeting_for(session, actor, meeting_id, lock=True)
    case = await case_in(session, meeting, case_id)
    require_run(meeting, actor, is_afterwards=True)
    if case.status not in STANDING or case.appointment.status in LOST_APPOINTMENTS:
        raise Refused("This case is off the list already.")
    return meeting, case


async def _book(session: AsyncSession, turn: Appointment, requester_id: uuid.UUID) -> None:
    async with in_turn(session, only(requester_id)):
        await keep_free(session, turn, only(requester_id))
        turn.status, turn.booked_at = AppointmentStatus.BOOKED, now()
        await session.flush()


async def _clear(session: AsyncSession, actor: Actor, consult: ServiceRequest) -> None:
    """What stood of another time or another list stands no longer."""
    if consult.appointment is not None:
        consult.appointment.status = AppointmentStatus.CANCELLED
    await session.flush()
    await act_as(session, SYSTEM)  # it may stand on a list of the house it was redirected from
    await session.execute(
        update(MeetingCase)
        .where(MeetingCase.service_request_id == consult.id, MeetingCase.status.in_(STANDING))
        .values(status=CaseStatus.REMOVED, ended_at=now())
    )
    await act_as(session, actor)


def _check_case(meeting: Meeting, consult: ServiceRequest, minutes: int, presenter_id: uuid.UUID | None) -> None:
    if consult.service_id != meeting.service_id:
        raise Invalid({"consult": "This request was put to another service."})
    if not 1 <= minutes <= LONGEST_CASE:
        raise Invalid({"minutes": "A case takes between 1 and 120 minutes."})
    members = {member.practitioner_role_id for member in meeting.members}
    if presenter_id is not None and presenter_id not in members | {consult.requester_role_id}:
        raise Invalid({"presenter": "Choose from the list."})


def _checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Invalid({"reason": "Give a reason: the other side will read it."})
    if len(reason) > LONGEST_REASON:
        raise Invalid({"reason": "Keep the reason under 500 characters."})
    return reason
