"""What the worker does for team meetings: a postponed case is put on the next list, calendars are told."""

import uuid

from procrastinate import JobContext
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import lock_consult, whole
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, NotFound
from teleconsult.jobs import app
from teleconsult.meetings.listing import enlist
from teleconsult.meetings.models import Meeting, MeetingCase
from teleconsult.meetings.queries import whole_meeting
from teleconsult.messages.jobs import RETRY
from teleconsult.scheduling.models import Appointment, AppointmentStatus


@app.task(name="relist_case", pass_context=True, retry=RETRY)
async def relist_case(context: JobContext, case_id: str) -> None:
    """Put a postponed case on the next meeting's list. Where it finds no place there, the coordinator has to."""
    sessions: Sessions = context.additional_context["sessions"]
    try:
        async with transaction(sessions, SYSTEM) as session:
            await relist(session, SYSTEM, case_id=uuid.UUID(case_id))
    except Invalid:
        return  # who asked is booked then, or the list is full: it stands among those that wait for a meeting


async def relist(session: AsyncSession, actor: Actor, *, case_id: uuid.UUID) -> MeetingCase | None:
    """Put a postponed case on the list of its service's next meeting, of the same series where it has one.

    The system's own act; None where there is no such meeting, or the consult went another way meanwhile.
    """
    case = await session.get(MeetingCase, case_id)
    if case is None:
        raise NotFound
    meeting = await session.get_one(Meeting, case.meeting_id)
    following = (
        await session.scalars(
            select(Meeting.id)
            .join(Appointment, Appointment.id == Meeting.appointment_id)
            .where(
                Meeting.service_id == meeting.service_id,
                Meeting.id != meeting.id,
                Meeting.started_at.is_(None),
                Appointment.status == AppointmentStatus.BOOKED,
                Appointment.starts_at > now(),
            )
            .order_by(Meeting.series_id.is_distinct_from(meeting.series_id), Appointment.starts_at, Meeting.id)
            .limit(1)
        )
    ).first()
    # The meeting first, as whoever works on its list: the other way round both would wait for each other.
    next_meeting = None if following is None else await whole_meeting(session, following, lock=True)
    await lock_consult(session, case.service_request_id)
    consult = (
        await session.scalars(
            select(ServiceRequest)
            .where(ServiceRequest.id == case.service_request_id)
            .options(*whole())
            .execution_options(populate_existing=True)
        )
    ).one()
    if (
        next_meeting is None
        or not next_meeting.is_open
        or state_of(consult) is not ConsultState.ACCEPTED
        or consult.appointment is not None
    ):
        return None
    presenter = case.presenter_role_id
    allowed = {member.practitioner_role_id for member in next_meeting.members} | {consult.requester_role_id}
    listed = await enlist(
        session,
        actor,
        next_meeting,
        consult,
        minutes=case.minutes,
        presenter_id=presenter if presenter in allowed else None,
    )
    await tell_consult(session, "ConsultPutOnList", consult)
    return listed
