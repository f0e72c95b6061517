"""The conclusion of a case is a note as any other: whether it may be signed as the meeting's, what it says of it."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.errors import Refused
from teleconsult.meetings.attendance import quorum_for
from teleconsult.meetings.models import CaseStatus, MeetingCase
from teleconsult.meetings.queries import standing_case
from teleconsult.meetings.quorum import Quorum
from teleconsult.notes.content import MeetingPresent, TeamMeeting


async def require_conclusive(session: AsyncSession, consult: ServiceRequest) -> None:
    """Raise Refused where the note of this consult would be a meeting's conclusion and is none.

    Part of the signing, which holds the consult's lock. Other consults are not asked.
    """
    if consult.mode is not ConsultMode.MEETING:
        return
    found = await _discussion(session, consult.id)
    if found is None:
        raise Refused("No team meeting has discussed this case yet. Write on; it can be signed afterwards.")
    if not found[1].is_reached:
        raise Refused("The quorum was not reached: postpone the case, or pass it to written advice.")


async def meeting_in_note(session: AsyncSession, consult_id: uuid.UUID) -> TeamMeeting | None:
    """What the note says of the meeting that discussed the consult, if one did."""
    found = await _discussion(session, consult_id)
    if found is None:
        return None
    case, quorum = found
    assert case.called_at is not None, "it was discussed"
    return TeamMeeting(
        id=str(case.meeting_id),
        title=case.meeting.title,
        discussed_at=case.called_at,
        members_present=tuple(MeetingPresent(one.role_id, one.name, one.specialty) for one in quorum.present),
        members_needed=quorum.needed,
        has_quorum=quorum.is_reached,
    )


async def _discussion(session: AsyncSession, consult_id: uuid.UUID) -> tuple[MeetingCase, Quorum] | None:
    case = await standing_case(session, consult_id)
    if case is None or case.status not in (CaseStatus.CALLED, CaseStatus.DISCUSSED):
        return None
    return case, await quorum_for(session, case.meeting, case)
