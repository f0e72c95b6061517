"""Whose hours a consult's session has to lie in, and when they are taken: read from the rows."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.encounters.attendance import Span
from teleconsult.errors import Invalid
from teleconsult.scheduling.common_times import Diary
from teleconsult.scheduling.hours import Hours, Rule
from teleconsult.scheduling.hours_models import (
    AppointmentParticipant,
    AvailableTime,
    BookableResource,
    ExceptionKind,
    Schedule,
)
from teleconsult.scheduling.inviting import asked_people, invited_to
from teleconsult.scheduling.local_times import FIRST, LAST, SATURDAY

BUSY: Final = text("select role_id, resource_id, starts_at, ends_at from busy_times(:roles, :things, :a, :b, :besides)")
_USUAL: Final = Rule(
    frozenset(range(1, SATURDAY)), FIRST.hour * 60, LAST.hour * 60 + LAST.minute + 30, first_day=date(2000, 1, 1)
)


@dataclass(frozen=True, slots=True)
class Needed:
    """What one session needs: whose hours count, by the id of a role, a service, a room or a device."""

    names: dict[uuid.UUID, str]
    zones: dict[uuid.UUID, str]
    roles: tuple[uuid.UUID, ...]
    things: tuple[uuid.UUID, ...]
    hours: dict[uuid.UUID, Hours]
    """Of those who have a schedule."""
    invited: frozenset[uuid.UUID] = frozenset()
    """Of the roles those of further people, besides the two whose session it is."""

    def buffer(self, id: uuid.UUID) -> timedelta:
        """What one of them keeps free between two sessions."""
        return self.hours[id].buffer if id in self.hours else timedelta()

    def diaries(self, busy: dict[uuid.UUID, list[Span]] | None = None, *, is_usual: bool = False) -> list[Diary]:
        """A diary each. With `is_usual`, who has no rules is thought of as at work on weekdays by day."""
        return [Diary(self.names[id], self._hours(id, is_usual), tuple((busy or {}).get(id, ()))) for id in self.names]

    def _hours(self, id: uuid.UUID, is_usual: bool) -> Hours:
        hours = self.hours.get(id) or Hours(ZoneInfo(self.zones[id]))
        return replace(hours, rules=(_USUAL,)) if is_usual and not hours.rules else hours


async def needed_by(
    session: AsyncSession,
    consult: ServiceRequest,
    *,
    things: Sequence[uuid.UUID] | None = None,
    people: Sequence[uuid.UUID] | None = None,
) -> Needed:
    """Who asks, who accepted, the service's clinic; rooms, devices and further people: those given, else the time's.

    The consult is loaded whole. Raises Invalid on `things` for one that is not of the house that answers, or retired,
    on `people` for a role that may not be invited.
    """
    assert consult.service is not None, "what is scheduled was submitted"
    owner = consult.task.owner if consult.task else None
    house, asking = consult.service.organization, consult.requester_organization
    names = {consult.requester_role_id: consult.requester.practitioner.name, consult.service.id: house.name}
    zones = {consult.requester_role_id: asking.time_zone, consult.service.id: house.time_zone}
    if owner is not None:
        names[owner.id], zones[owner.id] = owner.practitioner.name, house.time_zone
    asked = things
    if things is None:
        things = await things_of(session, consult)
    found = await session.scalars(
        select(BookableResource).where(
            BookableResource.id.in_(things),
            BookableResource.organization_id == house.id,
            BookableResource.retired_at.is_(None),
        )
    )
    for thing in found:
        names[thing.id], zones[thing.id] = thing.name, house.time_zone
    if asked is not None and set(asked) - set(names):
        raise Invalid({"things": "Choose from the list."})
    things = [id for id in things if id in names]  # of another service the consult came from, there is nothing here
    invited = await asked_people(session, consult, await invited_to(session, consult) if people is None else people)
    for role in invited:
        names[role.id], zones[role.id] = role.practitioner.name, role.organization.time_zone
    roles = (consult.requester_role_id, *([owner.id] if owner else []), *(role.id for role in invited))
    hours = await hours_of(session, list(names))
    return Needed(names, zones, roles, tuple(things), hours, frozenset(role.id for role in invited))


async def things_of(session: AsyncSession, consult: ServiceRequest) -> list[uuid.UUID]:
    """The rooms and devices that the consult's time has, if there is one."""
    if consult.appointment is None:
        return []
    found = await session.scalars(
        select(AppointmentParticipant.resource_id).where(
            AppointmentParticipant.appointment_id == consult.appointment.id,
            AppointmentParticipant.resource_id.is_not(None),
        )
    )
    return [id for id in found if id is not None]


async def hours_of(session: AsyncSession, owners: Sequence[uuid.UUID]) -> dict[uuid.UUID, Hours]:
    """The hours of people's roles, services and things, as far as they have a schedule."""
    found = await session.scalars(
        select(Schedule)
        .where(
            or_(
                Schedule.practitioner_role_id.in_(owners),
                Schedule.service_id.in_(owners),
                Schedule.resource_id.in_(owners),
            )
        )
        .options(selectinload(Schedule.rules), selectinload(Schedule.exceptions))
        .execution_options(populate_existing=True)
    )
    hours = {}
    for schedule in found:
        owner = schedule.practitioner_role_id or schedule.service_id or schedule.resource_id
        assert owner is not None, "the database asks for one"
        hours[owner] = as_hours(schedule)
    return hours


def as_hours(schedule: Schedule) -> Hours:
    """The hours that a schedule says, its rules and exceptions loaded; what is long over is left out."""
    since = now() - timedelta(days=2)

    def spans(kind: ExceptionKind) -> tuple[Span, ...]:
        return tuple(
            Span(one.starts_at, one.ends_at) for one in schedule.exceptions if one.kind is kind and one.ends_at > since
        )

    return Hours(
        ZoneInfo(schedule.time_zone),
        tuple(as_rule(one) for one in schedule.rules),
        schedule.holidays,
        spans(ExceptionKind.AWAY),
        spans(ExceptionKind.EXTRA),
        timedelta(minutes=schedule.buffer_minutes),
    )


def as_rule(row: AvailableTime) -> Rule:
    """One rule of a schedule."""
    return Rule(
        frozenset(row.weekdays),
        row.from_minute,
        row.until_minute,
        row.first_day,
        row.last_day,
        row.repeat,
        row.slot_minutes,
    )


async def busy_times(
    session: AsyncSession, needed: Needed, window: Span, *, besides: uuid.UUID | None
) -> dict[uuid.UUID, list[Span]]:
    """When each of them is taken by another session than the one of the appointment `besides`."""
    day = timedelta(days=1)
    found = await session.execute(
        BUSY,
        {
            "roles": list(needed.roles),
            "things": list(needed.things),
            "a": window.start - day,
            "b": window.end + day,
            "besides": besides,
        },
    )
    busy = defaultdict[uuid.UUID, list[Span]](list)
    for role_id, resource_id, starts_at, ends_at in found:
        busy[role_id or resource_id].append(Span(starts_at, ends_at))
    return busy
