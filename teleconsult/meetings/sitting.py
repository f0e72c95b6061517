"""The one call of a meeting: who stays in it from the first case to the last, and which case is discussed in it now.

A member sits there as a member of the meeting, whatever is discussed. Who belongs to one case alone, who asked or a
guest, is in the call while that case is called; until then and afterwards they are in the room of their own case.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.errors import NotFound, Refused
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingCase, MeetingMember
from teleconsult.meetings.queries import meeting_for
from teleconsult.meetings.running import EARLY
from teleconsult.scheduling.models import Appointment, AppointmentStatus


@dataclass(frozen=True, slots=True)
class Place:
    """A place at the table: the member's id, which is who they are to the others in the call, and their name."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """A meeting as its call sees it: its members by their roles, and the consult that is discussed now."""

    meeting_id: uuid.UUID
    members: Mapping[uuid.UUID, Place]
    consult_id: uuid.UUID | None
    is_open: bool


async def place_at(session: AsyncSession, actor: Actor, meeting_id: uuid.UUID) -> Meeting:
    """The meeting, where the actor may be in its call: from an hour before its time, until it is over.

    Raises NotFound for who is no member, Refused outside of that time.
    """
    require(actor, Permission.SESSION_JOIN)
    meeting = await meeting_for(session, actor, meeting_id)
    if not sits_in(meeting, actor):
        raise NotFound
    if not may_enter(meeting):
        raise Refused("This meeting is over, or it is not yet time.")
    return meeting


def sits_in(meeting: Meeting, actor: Actor) -> bool:
    """Whether the actor is a member of it."""
    return actor.role_id in {member.practitioner_role_id for member in meeting.members}


def may_enter(meeting: Meeting) -> bool:
    """Whether it is time for its call, and it is not over."""
    return meeting.is_open and meeting.appointment.starts_at <= now() + EARLY


async def sit_down(session: AsyncSession, actor: Actor, meeting_id: uuid.UUID) -> Table:
    """The actor comes into the meeting's call. Raises as `place_at` does."""
    meeting = await place_at(session, actor, meeting_id)
    audit.record(session, actor, "meeting-joined", meeting)
    await session.flush()
    found = (await tables(session, {meeting_id})).get(meeting_id)
    assert found is not None, "it was just looked up"
    return found


async def table_over(session: AsyncSession, appointment_id: uuid.UUID) -> Table | None:
    """The meeting on whose list a case with this turn stands. A look of the system's own: who asked sees no members."""
    meeting_id = await session.scalar(
        select(MeetingCase.meeting_id).where(
            MeetingCase.appointment_id == appointment_id, MeetingCase.status.in_(STANDING)
        )
    )
    return None if meeting_id is None else (await tables(session, {meeting_id})).get(meeting_id)


async def tables(session: AsyncSession, meeting_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Table]:
    """These meetings as their calls see them. The caller may see them, or is the system."""
    found = await session.execute(
        select(Meeting, MeetingCase.service_request_id)
        .outerjoin(MeetingCase, and_(MeetingCase.meeting_id == Meeting.id, MeetingCase.status == CaseStatus.CALLED))
        .where(Meeting.id.in_(meeting_ids))
        .options(
            joinedload(Meeting.appointment),
            selectinload(Meeting.members).joinedload(MeetingMember.role).joinedload(PractitionerRole.practitioner),
        )
        .execution_options(populate_existing=True)
    )
    return {
        meeting.id: Table(
            meeting.id,
            {one.practitioner_role_id: Place(one.id, one.role.practitioner.name) for one in meeting.members},
            consult_id if meeting.is_open else None,
            meeting.is_open,
        )
        for meeting, consult_id in found
    }


async def known_as(session: AsyncSession, participant_id: uuid.UUID) -> uuid.UUID:
    """Who a participant of a session is to the others in its call: a member of the meeting that it is a case of, or
    themselves. A look of the system's own.
    """
    member_id = await session.scalar(
        select(MeetingMember.id)
        .join(EncounterParticipant, EncounterParticipant.practitioner_role_id == MeetingMember.practitioner_role_id)
        .join(Encounter, Encounter.id == EncounterParticipant.encounter_id)
        .join(MeetingCase, MeetingCase.appointment_id == Encounter.appointment_id)
        .where(
            EncounterParticipant.id == participant_id,
            MeetingCase.meeting_id == MeetingMember.meeting_id,
            MeetingCase.status.in_(STANDING),
        )
    )
    return member_id or participant_id


async def still_at_table(session: AsyncSession, member_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these members may still sit in their meeting's call, asked for all at once."""
    if not member_ids:
        return set()
    return set(
        await session.scalars(
            select(MeetingMember.id)
            .join(Meeting, Meeting.id == MeetingMember.meeting_id)
            .join(Appointment, Appointment.id == Meeting.appointment_id)
            .join(PractitionerRole, PractitionerRole.id == MeetingMember.practitioner_role_id)
            .where(
                MeetingMember.id.in_(member_ids),
                Meeting.ended_at.is_(None),
                Appointment.status != AppointmentStatus.CANCELLED,
                PractitionerRole.ended_at.is_(None),
            )
        )
    )
