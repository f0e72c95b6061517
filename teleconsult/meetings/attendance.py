"""Who of the members is there: in the room of the case that is discussed, or in the house, as the chair has seen."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.encounters.attendance import UNSEEN
from teleconsult.encounters.call_models import Attendance
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.meetings.models import CaseStatus, Meeting, MeetingCase, Present
from teleconsult.meetings.quorum import Quorum, quorum_of


async def quorum_for(session: AsyncSession, meeting: Meeting, case: MeetingCase) -> Quorum:
    """Who was there while the case was discussed, or is there now, and whether they were enough.

    The meeting has its members loaded. A case that is over keeps what was written down then.
    """
    rule = meeting.quorum_members, meeting.quorum_specialties
    if case.status is not CaseStatus.CALLED:
        return quorum_of(case.present_members, *rule)
    assert case.called_at is not None, "it was called"
    seen = await _in_room(session, case, since=case.called_at)
    present = [
        Present(str(member.practitioner_role_id), member.role.practitioner.name, str(member.role.specialty or ""))
        for member in meeting.members
        if member.is_here or member.practitioner_role_id in seen
    ]
    return quorum_of(present, *rule)


async def _in_room(session: AsyncSession, case: MeetingCase, *, since: datetime) -> set[object]:
    """The roles of whoever was in the case's room since then."""
    found = await session.scalars(
        select(EncounterParticipant.practitioner_role_id)
        .join(Encounter, Encounter.id == EncounterParticipant.encounter_id)
        .join(Attendance, Attendance.participant_id == EncounterParticipant.id)
        .where(
            Encounter.appointment_id == case.appointment_id,
            or_(Attendance.went_at > since, Attendance.went_at.is_(None) & (Attendance.seen_at > now() - UNSEEN)),
        )
    )
    return set(found)
