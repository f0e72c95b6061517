"""Planning a team meeting: when, where, who; again each week or month; changed, called off.

Its time holds its members, rooms and devices: the database books nobody and nothing twice (`scheduling.holding`).
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require, rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import HealthcareService, Organization, Specialty
from teleconsult.encounters.attendance import Span
from teleconsult.encounters.models import EncounterParticipant
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.meetings.holding import chosen_things, keep_free
from teleconsult.meetings.leading import pass_cases
from teleconsult.meetings.listing import leave_list, retime, tell_moved
from teleconsult.meetings.mails import owe_meeting_mail
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingMember
from teleconsult.meetings.queries import cases_of, meeting_for, possible_members, require_run, seats_of_cases
from teleconsult.scheduling.booking import FURTHEST, GRACE
from teleconsult.scheduling.diaries import Needed, hours_of
from teleconsult.scheduling.holding import in_turn, require_open
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment, AppointmentStatus

DURATIONS: Final = (30, 45, 60, 90, 120, 180)
"""Minutes a meeting may be planned for."""
MOST_MEMBERS: Final = 12
MOST_TIMES: Final = 26
"""How often a meeting may be planned at once."""
WEEKS: Final = (1, 2, 4)
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What a meeting is to be. `starts_at` is aware; people are ids of roles, things ids of rooms and devices."""

    title: str
    starts_at: datetime
    minutes: int
    chair: uuid.UUID
    members: tuple[uuid.UUID, ...]
    place: str = ""
    quorum_members: int = 2
    quorum_specialties: tuple[str, ...] = ()
    things: tuple[uuid.UUID, ...] = ()

    @property
    def span(self) -> Span:
        """From when to when."""
        return Span(self.starts_at, self.starts_at + timedelta(minutes=self.minutes))

    @property
    def people(self) -> tuple[uuid.UUID, ...]:
        """All members, who leads it among them."""
        return tuple(dict.fromkeys((self.chair, *self.members)))


async def plan_meeting(
    session: AsyncSession, actor: Actor, *, service_id: uuid.UUID, plan: Plan, times: int = 1, every: int = 1
) -> Sequence[Meeting]:
    """Plan a meeting of a service, or so many, `every` so many weeks at the same time on the house's clock.

    Raises NotFound for a service that is not of the actor's house, Invalid naming the field: what is too long or
    missing, a time that is past or outside somebody's hours, somebody or something that is booked then already.
    """
    require(actor, Permission.CONSULT_TRIAGE)
    service = await session.scalar(
        select(HealthcareService).where(HealthcareService.id == service_id, rows.services(actor))
    )
    if service is None:
        raise NotFound
    if not 1 <= times <= MOST_TIMES or every not in WEEKS:
        raise Invalid({"times": "Choose from the list."})
    house = await session.get_one(Organization, service.organization_id)
    series = uuid.uuid4() if times > 1 else None
    planned = []
    for number in range(times):
        starts_at = _weeks_later(plan.starts_at, number * every, house.time_zone)
        planned.append(await _plan_one(session, actor, service, replace(plan, starts_at=starts_at), series))
    return planned


async def _plan_one(
    session: AsyncSession,
    actor: Actor,
    service: HealthcareService,
    plan: Plan,
    series_id: uuid.UUID | None,
) -> Meeting:
    assert actor.role_id is not None, "who plans has a role"
    house = await session.get_one(Organization, service.organization_id)
    needed = await _checked(session, house, plan)
    moment = now()
    appointment = Appointment(
        id=uuid.uuid4(),
        starts_at=plan.span.start,
        ends_at=plan.span.end,
        created_by_id=actor.role_id,
        created_at=moment,
    )
    session.add(appointment)
    await session.flush()
    meeting = Meeting(
        id=uuid.uuid4(),
        service_id=service.id,
        organization_id=house.id,
        appointment_id=appointment.id,
        series_id=series_id,
        title=plan.title.strip(),
        place=plan.place.strip(),
        chair_role_id=plan.chair,
        quorum_members=plan.quorum_members,
        quorum_specialties=list(plan.quorum_specialties),
        created_by_id=actor.role_id,
        created_at=moment,
    )
    session.add(meeting)
    await session.flush()
    session.add_all(MeetingMember(meeting_id=meeting.id, practitioner_role_id=id) for id in plan.people)
    await session.flush()
    async with in_turn(session, needed):
        await keep_free(session, appointment, needed)
        appointment.status, appointment.booked_at = AppointmentStatus.BOOKED, moment
        await session.flush()
    audit.record(session, actor, "meeting-planned", meeting, starts_at=plan.starts_at.isoformat())
    await session.flush()
    return meeting


async def change_meeting(session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, plan: Plan) -> Meeting:
    """Make it what the plan says; its cases move along, and who is no longer a member sees them no longer.

    Raises NotFound, Forbidden, Refused once it has begun, Invalid as `plan_meeting` does.
    """
    meeting = await meeting_for(session, actor, meeting_id, lock=True)
    require(actor, Permission.CONSULT_TRIAGE)
    require_run(meeting, actor)
    if meeting.started_at is not None:
        raise Refused("This meeting has begun: it can no longer be changed.")
    needed = await _checked(session, meeting.service.organization, plan)
    meeting.title, meeting.place = plan.title.strip(), plan.place.strip()
    meeting.quorum_members, meeting.quorum_specialties = plan.quorum_members, list(plan.quorum_specialties)
    async with in_turn(session, needed):
        meeting.appointment.starts_at, meeting.appointment.ends_at = plan.span
        await session.flush()
        await keep_free(session, meeting.appointment, needed)
    await _seat(session, meeting, plan.people)
    if plan.chair != meeting.chair_role_id:
        await act_as(session, SYSTEM)
        await pass_cases(session, meeting, plan.chair)
        await act_as(session, actor)
    meeting.chair_role_id = plan.chair
    audit.record(session, actor, "meeting-changed", meeting, starts_at=plan.starts_at.isoformat())
    await session.flush()
    await retime(session, actor, await meeting_for(session, actor, meeting.id))
    await tell_moved(session, meeting)
    return meeting


async def cancel_meeting(session: AsyncSession, actor: Actor, *, meeting_id: uuid.UUID, reason: str) -> Meeting:
    """Call it off, with a reason; its cases wait for another meeting, and those who asked are told.

    Raises NotFound, Forbidden, Refused once it has begun, Invalid without a reason.
    """
    meeting = await meeting_for(session, actor, meeting_id, lock=True)
    require(actor, Permission.CONSULT_TRIAGE)
    require_run(meeting, actor)
    if meeting.started_at is not None:
        raise Refused("This meeting has begun: it can no longer be changed.")
    reason = checked(reason, "reason")
    for case in await cases_of(session, meeting):
        if case.status in STANDING and case.appointment.status not in LOST_APPOINTMENTS:
            await leave_list(session, actor, meeting, case, status=CaseStatus.POSTPONED, reason=reason)
    meeting.appointment.status, meeting.appointment.status_reason = AppointmentStatus.CANCELLED, reason
    audit.record(session, actor, "meeting-cancelled", meeting)
    await session.flush()
    await tell_moved(session, meeting)
    return meeting


async def _checked(session: AsyncSession, house: Organization, plan: Plan) -> Needed:
    """What the meeting needs. Raises Invalid, naming each field."""
    checked(plan.title, "title")
    if len(plan.place) > LONGEST:
        raise Invalid({"place": "Keep it under 200 characters."})
    moment = now()
    if plan.minutes not in DURATIONS:
        raise Invalid({"minutes": "Choose one of the durations in the list."})
    if plan.starts_at < moment - GRACE:
        raise Invalid({"time": "This time is past."})
    if plan.starts_at > moment + FURTHEST + timedelta(weeks=MOST_TIMES * max(WEEKS)):
        raise Invalid({"time": "Choose a time within the next year."})
    known = {role.id: role for role in await possible_members(session, house.id)}
    if not set(plan.people) <= known.keys():
        raise Invalid({"members": "Choose from the list."})
    if not 2 <= len(plan.people) <= MOST_MEMBERS:
        raise Invalid({"members": "A team meeting has between 2 and 12 members."})
    if not 1 <= plan.quorum_members <= len(plan.people):
        raise Invalid({"quorum": "No more members can have to be present than there are."})
    here = {str(known[id].specialty) for id in plan.people}
    wanted = set(plan.quorum_specialties)
    if not wanted <= {one.value for one in Specialty} or not wanted <= here:
        raise Invalid({"specialties": "Somebody of each of these specialties has to be a member."})
    things = await chosen_things(session, house.id, plan.things)
    names = {id: known[id].practitioner.name for id in plan.people} | {thing.id: thing.name for thing in things}
    zones = dict.fromkeys(names, house.time_zone)
    needed = Needed(
        names, zones, plan.people, tuple(thing.id for thing in things), await hours_of(session, list(names))
    )
    require_open(needed, plan.span)
    return needed


async def _seat(session: AsyncSession, meeting: Meeting, people: Collection[uuid.UUID]) -> None:
    """Have just these people as members; a seat each in the sessions of the cases that stand."""
    now_in = {member.practitioner_role_id for member in meeting.members}
    gone = [member for member in meeting.members if member.practitioner_role_id not in people]
    await owe_meeting_mail(session, meeting, [member.practitioner_role_id for member in gone], is_off=True)
    await session.execute(delete(MeetingMember).where(MeetingMember.id.in_([member.id for member in gone])))
    added = [id for id in people if id not in now_in]
    session.add_all(MeetingMember(meeting_id=meeting.id, practitioner_role_id=id) for id in added)
    await owe_meeting_mail(session, meeting, added)
    for encounter_id, seated in (await seats_of_cases(session, meeting)).items():
        session.add_all(
            EncounterParticipant(encounter_id=encounter_id, practitioner_role_id=id, is_member=True)
            for id in added
            if id not in seated
        )
    await session.flush()


def checked(text: str, field: str) -> str:
    """A line of words without blanks around it. Raises Invalid on `field` where there is none, or too much of it."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise Invalid({field: "Write between 1 and 200 characters."})
    return text


def _weeks_later(moment: datetime, weeks: int, zone: str) -> datetime:
    """At the same time of the day on that clock, through any change of it."""
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + timedelta(weeks=weeks)
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(moment.tzinfo)


__all__ = ["DURATIONS", "MOST_TIMES", "WEEKS", "Plan", "cancel_meeting", "change_meeting", "plan_meeting"]
