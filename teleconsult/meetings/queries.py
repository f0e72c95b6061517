"""Finding meetings through the actor, and what waits to be put on the list of one."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.queries import whole
from teleconsult.directory.models import HealthcareService, PractitionerRole, RoleCode
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingCase, MeetingMember
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment

MOST_SHOWN: Final = 100
LINGERS: Final = timedelta(hours=4)
"""So long after its planned end a meeting that nobody ended is still among those to come."""


def _with_people() -> tuple[ORMOption, ...]:
    return (
        joinedload(Meeting.appointment),
        joinedload(Meeting.service).joinedload(HealthcareService.organization),
        joinedload(Meeting.chair).joinedload(PractitionerRole.practitioner),
        selectinload(Meeting.members).joinedload(MeetingMember.role).joinedload(PractitionerRole.practitioner),
    )


def _with_consult() -> tuple[ORMOption, ...]:
    """What a case's consult is loaded with (`consults.queries.whole`)."""
    return tuple(joinedload(MeetingCase.consult).options(one) for one in whole())  # type: ignore[arg-type]


def _with_meeting() -> tuple[ORMOption, ...]:
    return tuple(joinedload(MeetingCase.meeting).options(one) for one in _with_people())  # type: ignore[arg-type]


async def meeting_for(session: AsyncSession, actor: Actor, meeting_id: uuid.UUID, *, lock: bool = False) -> Meeting:
    """The meeting with its time, service and people. Raises NotFound where it does not exist for the actor.

    With `lock` whoever else changes it or its list waits until the transaction ends.
    """
    if lock:
        await session.execute(select(Meeting.id).where(Meeting.id == meeting_id).with_for_update())
    found = await session.scalar(
        select(Meeting)
        .where(Meeting.id == meeting_id, rows.meetings(actor))
        .options(*_with_people())
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


async def whole_meeting(session: AsyncSession, meeting_id: uuid.UUID, *, lock: bool = False) -> Meeting:
    """The same, of one that was looked up already."""
    if lock:
        await session.execute(select(Meeting.id).where(Meeting.id == meeting_id).with_for_update())
    query = select(Meeting).where(Meeting.id == meeting_id).options(*_with_people())
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def meetings(session: AsyncSession, actor: Actor, *, past: bool = False) -> Sequence[Meeting]:
    """The actor's meetings: those to come, the next first, or those that are over, the last first."""
    moment = now() - LINGERS
    query = select(Meeting).join(Meeting.appointment).where(rows.meetings(actor))
    if past:
        query = query.where(or_(Meeting.ended_at.is_not(None), Appointment.ends_at < moment))
        query = query.order_by(Appointment.starts_at.desc(), Meeting.id)
    else:
        query = query.where(
            Meeting.ended_at.is_(None), Appointment.ends_at >= moment, Appointment.status.not_in(LOST_APPOINTMENTS)
        ).order_by(Appointment.starts_at, Meeting.id)
    return (await session.scalars(query.options(*_with_people()).limit(MOST_SHOWN))).all()


async def meetings_between(session: AsyncSession, actor: Actor, start: datetime, end: datetime) -> Sequence[Meeting]:
    """Those of the actor's agenda that begin between the two moments, in order."""
    query = (
        select(Meeting)
        .join(Meeting.appointment)
        .where(
            rows.meetings(actor),
            and_(Appointment.starts_at >= start, Appointment.starts_at < end),
            Appointment.status.not_in(LOST_APPOINTMENTS),
        )
        .order_by(Appointment.starts_at, Meeting.id)
        .options(*_with_people())
        .limit(MOST_SHOWN)
    )
    return (await session.scalars(query)).all()


async def cases_for(session: AsyncSession, actor: Actor, meeting: Meeting) -> Sequence[MeetingCase]:
    """Those on the meeting's list whose consult the actor may see: of a member not those that left it."""
    is_seen = exists().where(ServiceRequest.id == MeetingCase.service_request_id, rows.consults(actor))
    return await cases_of(session, meeting, is_seen)


async def cases_of(session: AsyncSession, meeting: Meeting, *which: ColumnElement[bool]) -> Sequence[MeetingCase]:
    """The meeting's list in order, each consult whole. The meeting was looked up."""
    found = await session.scalars(
        select(MeetingCase)
        .where(MeetingCase.meeting_id == meeting.id, *which)
        .options(
            joinedload(MeetingCase.appointment),
            joinedload(MeetingCase.presenter).joinedload(PractitionerRole.practitioner),
            *_with_consult(),
        )
        .order_by(MeetingCase.position, MeetingCase.created_at)
        .execution_options(populate_existing=True)
    )
    return found.unique().all()


async def case_in(session: AsyncSession, meeting: Meeting, case_id: uuid.UUID) -> MeetingCase:
    """One case of the meeting. Raises NotFound."""
    found = await session.scalar(
        select(MeetingCase)
        .where(MeetingCase.id == case_id, MeetingCase.meeting_id == meeting.id)
        .options(joinedload(MeetingCase.appointment))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


async def standing_case(session: AsyncSession, consult_id: uuid.UUID) -> MeetingCase | None:
    """The list the consult stands on now. The caller has looked the consult up."""
    query = (
        select(MeetingCase)
        .join(Appointment, Appointment.id == MeetingCase.appointment_id)
        .where(
            MeetingCase.service_request_id == consult_id,
            MeetingCase.status.in_(STANDING),
            Appointment.status.not_in(LOST_APPOINTMENTS),
        )
        .options(*_with_meeting(), joinedload(MeetingCase.appointment))
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).unique().one_or_none()


async def case_called(session: AsyncSession, meeting: Meeting) -> MeetingCase | None:
    """The case that is discussed now."""
    found: MeetingCase | None = await session.scalar(
        select(MeetingCase)
        .where(MeetingCase.meeting_id == meeting.id, MeetingCase.status == CaseStatus.CALLED)
        .options(joinedload(MeetingCase.appointment))
    )
    return found


async def awaiting_a_meeting(session: AsyncSession, actor: Actor, meeting: Meeting) -> Sequence[ServiceRequest]:
    """Consults of the meeting's service that are for a team meeting and on no list yet, oldest first."""
    listed = exists().where(
        MeetingCase.service_request_id == ServiceRequest.id,
        MeetingCase.status.in_(STANDING),
        Appointment.id == MeetingCase.appointment_id,
        Appointment.status.not_in(LOST_APPOINTMENTS),
    )
    found = await session.scalars(
        select(ServiceRequest)
        .join(ServiceRequest.task)
        .where(
            rows.consults(actor),
            ServiceRequest.service_id == meeting.service_id,
            ServiceRequest.mode == ConsultMode.MEETING,
            ServiceRequest.status == RequestStatus.ACTIVE,
            Task.status.in_((TaskStatus.REQUESTED, TaskStatus.RECEIVED, TaskStatus.ACCEPTED)),
            ~listed,
        )
        .options(*whole())
        .order_by(ServiceRequest.submitted_at, ServiceRequest.id)
        .limit(MOST_SHOWN)
    )
    return found.unique().all()


async def possible_members(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[PractitionerRole]:
    """Who may sit in a meeting of that establishment: its specialists, by name."""
    found = await session.scalars(
        select(PractitionerRole)
        .join(PractitionerRole.practitioner)
        .where(
            PractitionerRole.organization_id == organization_id,
            PractitionerRole.code == RoleCode.SPECIALIST,
            PractitionerRole.ended_at.is_(None),
        )
        .options(joinedload(PractitionerRole.practitioner))
        .order_by(PractitionerRole.id)
        .limit(300)
    )
    return sorted(found, key=lambda role: role.practitioner.name)


async def seats_of_cases(session: AsyncSession, meeting: Meeting) -> dict[uuid.UUID, set[uuid.UUID | None]]:
    """The sessions of all cases that stand on the list, by id, and the roles of who has a seat in each."""
    found = await session.execute(
        select(Encounter.id, EncounterParticipant.practitioner_role_id)
        .join(EncounterParticipant, EncounterParticipant.encounter_id == Encounter.id)
        .join(Appointment, Appointment.id == Encounter.appointment_id)
        .join(MeetingCase, MeetingCase.appointment_id == Appointment.id)
        .where(
            MeetingCase.meeting_id == meeting.id,
            MeetingCase.status.in_(STANDING),
            Appointment.status.not_in(LOST_APPOINTMENTS),
        )
    )
    seats: dict[uuid.UUID, set[uuid.UUID | None]] = {}
    for encounter_id, role_id in found:
        seats.setdefault(encounter_id, set()).add(role_id)
    return seats


def require_run(meeting: Meeting, actor: Actor, *, by_chair: bool = False, is_afterwards: bool = False) -> None:
    """Raise Forbidden for who neither coordinates nor leads it (`by_chair`: only leads), Refused once it is over.

    What `is_afterwards` is done once it has ended, too.
    """
    is_chair = meeting.chair_role_id == actor.role_id
    if not is_chair and (by_chair or actor.role is not RoleCode.COORDINATOR):
        raise Forbidden("This is for who leads the meeting to do.")
    if meeting.is_cancelled or (meeting.ended_at is not None and not is_afterwards):
        raise Refused("This meeting is over, or it was called off.")
