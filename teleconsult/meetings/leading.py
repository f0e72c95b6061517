"""Who leads a meeting: handed on to another member, before it begins or in the middle of it."""

import uuid

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.consults.models import Task
from teleconsult.db import act_as
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.errors import Invalid
from teleconsult.meetings.listing import tell_moved
from teleconsult.meetings.models import CaseStatus, Meeting, MeetingCase
from teleconsult.meetings.queries import meeting_for, require_run
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment


async def hand_lead(session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, role_id: uuid.UUID) -> Meeting:
    """Have another member lead the meeting from now on, and conclude what is still to come and nobody had accepted.

    By who coordinates or led it until now. Raises NotFound, Forbidden, Refused once it is over, Invalid on `chair`.
    """
    meeting = await meeting_for(session, actor, meeting_id, lock=True)
    require_run(meeting, actor)
    if role_id not in {member.practitioner_role_id for member in meeting.members}:
        raise Invalid({"chair": "Choose from the list."})
    if role_id == meeting.chair_role_id:
        return meeting
    await act_as(session, SYSTEM)  # who led it until now gives away their own right to change it
    await pass_cases(session, meeting, role_id)
    meeting.chair_role_id = role_id
    audit.record(session, actor, "meeting-handed-on", meeting, chair=role_id)
    await session.flush()
    await act_as(session, actor)
    await tell_moved(session, meeting)
    return meeting


async def pass_cases(session: AsyncSession, meeting: Meeting, role_id: uuid.UUID) -> None:
    """What is still to be discussed, and was for who leads it, is for this member. A part of the system's own act."""
    before = meeting.chair_role_id
    theirs = (
        select(MeetingCase.service_request_id, MeetingCase.appointment_id)
        .join(Appointment, Appointment.id == MeetingCase.appointment_id)
        .join(Task, Task.service_request_id == MeetingCase.service_request_id)
        .where(
            MeetingCase.meeting_id == meeting.id,
            MeetingCase.status == CaseStatus.LISTED,
            MeetingCase.is_for_chair,
            Appointment.status.not_in(LOST_APPOINTMENTS),
            Task.owner_role_id == before,
        )
    )
    found = (await session.execute(theirs)).all()
    consults, turns = [consult for consult, _ in found], [turn for _, turn in found]
    seat = EncounterParticipant
    held = seat.encounter_id.in_(select(Encounter.id).where(Encounter.appointment_id.in_(turns)))
    await session.execute(
        update(Task)
        .where(Task.service_request_id.in_(consults), Task.owner_role_id == before)
        .values(owner_role_id=role_id)
    )
    await session.execute(update(Appointment).where(Appointment.id.in_(turns)).values(specialist_role_id=role_id))
    await session.execute(
        update(seat)
        .where(held, or_(seat.practitioner_role_id == before, seat.practitioner_role_id == role_id))
        .values(is_member=seat.practitioner_role_id == before)
    )
