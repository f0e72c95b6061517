"""People keep their hours; coordinators and administrators those of their establishment, its services and things."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import available_timezones

import holidays as public_holidays
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from teleconsult import audit
from teleconsult.access import Permission, may, require
from teleconsult.access.rows import roles_of_house, services_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import HealthcareService, Organization, PractitionerRole, RoleCode
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.scheduling.hours_models import (
    AvailableTime,
    BookableResource,
    ExceptionKind,
    Repeat,
    ResourceKind,
    Schedule,
    ScheduleException,
)

SESSION_ROLES: Final = (RoleCode.DOCTOR, RoleCode.NURSE, RoleCode.SPECIALIST)
MOST: Final = 50
"""Rules, or exceptions to come, of one schedule."""
LONGEST_AWAY: Final = timedelta(days=366)
LONGEST_NAME: Final = 80
PARTS: Final = ("CA-QC", "CA-NL", "CA-ON", "CA-NB", "CA-NS", "CA-PE", "CA-MB", "CA-SK", "CA-AB", "CA-BC")
"""Parts of countries with public holidays of their own, besides the countries (ISO 3166-2)."""
DAY: Final = 1440


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose hours: one of the three, with what is kept of them (rules and exceptions loaded)."""

    id: uuid.UUID
    role: PractitionerRole | None = None
    service: HealthcareService | None = None
    thing: BookableResource | None = None
    schedule: Schedule | None = None


async def owner_of_hours(session: AsyncSession, actor: Actor, owner_id: uuid.UUID) -> Owner:
    """Whose hours the actor may keep: their own, and whose they plan for. Raises NotFound."""
    require(actor, Permission.HOURS)
    role = await session.scalar(
        select(PractitionerRole)
        .where(PractitionerRole.id == owner_id, roles_of_house(actor), PractitionerRole.ended_at.is_(None))
        .options(joinedload(PractitionerRole.practitioner))
    )
    plans = may(actor, Permission.ROSTER)
    if role is not None and role.code in SESSION_ROLES and (plans or role.id == actor.role_id):
        return Owner(owner_id, role=role, schedule=await _schedule(session, owner_id))
    if not plans:
        raise NotFound
    service = await session.scalar(
        select(HealthcareService).where(HealthcareService.id == owner_id, services_of_house(actor))
    )
    thing = await session.scalar(
        select(BookableResource).where(
            BookableResource.id == owner_id, BookableResource.organization_id == actor.organization_id
        )
    )
    if service is None and thing is None:
        raise NotFound
    return Owner(owner_id, service=service, thing=thing, schedule=await _schedule(session, owner_id))


async def planned_here(
    session: AsyncSession, actor: Actor
) -> tuple[Sequence[PractitionerRole], Sequence[HealthcareService], Sequence[BookableResource]]:
    """Whose hours are kept for them: people by name, services, rooms and devices. Raises NotFound."""
    require(actor, Permission.ROSTER)
    people = await session.scalars(
        select(PractitionerRole)
        .where(roles_of_house(actor), PractitionerRole.code.in_(SESSION_ROLES), PractitionerRole.ended_at.is_(None))
        .options(joinedload(PractitionerRole.practitioner))
    )
    services = await session.scalars(
        select(HealthcareService)
        .where(services_of_house(actor), HealthcareService.active)
        .order_by(HealthcareService.specialty)
    )
    things = await session.scalars(
        select(BookableResource)
        .where(BookableResource.organization_id == actor.organization_id, BookableResource.retired_at.is_(None))
        .order_by(BookableResource.kind.desc(), BookableResource.name)
    )
    by_name = sorted(people, key=lambda role: (role.practitioner.family, role.practitioner.given))
    return by_name, services.all(), things.all()


async def set_hours(
    session: AsyncSession, actor: Actor, *, owner_id: uuid.UUID, time_zone: str, holidays: str, buffer_minutes: int
) -> Schedule:
    """Say on which clock, with whose public holidays, and how long is kept free between two sessions.

    Raises NotFound, Invalid.
    """
    if time_zone not in available_timezones():
        raise Invalid({"time_zone": "Choose from the list."})
    if holidays and holidays not in holiday_codes():
        raise Invalid({"holidays": "Choose from the list."})
    if not 0 <= buffer_minutes <= 120:
        raise Invalid({"buffer": "Keep between 0 and 120 minutes free."})
    schedule = await _kept(session, actor, owner_id)
    schedule.time_zone, schedule.holidays, schedule.buffer_minutes = time_zone, holidays, buffer_minutes
    await _note(session, actor, schedule, what="settings")
    return schedule


async def add_rule(
    session: AsyncSession,
    actor: Actor,
    *,
    owner_id: uuid.UUID,
    weekdays: Sequence[int],
    from_minute: int,
    until_minute: int,
    repeat: Repeat = Repeat.WEEKLY,
    first_day: date,
    last_day: date | None = None,
    slot_minutes: int | None = None,
) -> AvailableTime:
    """Add a rule; an end at or before the beginning lies in the next day. Raises NotFound, Invalid, Refused."""
    wrong = {}
    if not weekdays or not set(weekdays) <= set(range(1, 8)):
        wrong["weekdays"] = "Choose at least one day."
    if not (0 <= from_minute < DAY and 0 <= until_minute <= DAY):
        wrong["from"] = "Give a time."
    if last_day is not None and last_day < first_day:
        wrong["last_day"] = "The last day must not come before the first."
    if slot_minutes is not None and not 5 <= slot_minutes <= 480:
        wrong["slot"] = "A session takes between 5 and 480 minutes."
    if wrong:
        raise Invalid(wrong)
    schedule = await _kept(session, actor, owner_id)
    if len(schedule.rules) >= MOST:
        raise Refused("These are too many rules. Remove some first.")
    rule = AvailableTime(
        id=uuid.uuid4(),
        schedule_id=schedule.id,
        weekdays=sorted(set(weekdays)),
        from_minute=from_minute,
        until_minute=until_minute if until_minute > from_minute else until_minute + DAY,
        repeat=repeat,
        first_day=first_day,
        last_day=last_day,
        slot_minutes=slot_minutes,
    )
    session.add(rule)
    await _note(session, actor, schedule, what="rule-added")
    return rule


async def remove_rule(session: AsyncSession, actor: Actor, *, owner_id: uuid.UUID, rule_id: uuid.UUID) -> None:
    """Take a rule away. What is booked stays booked. Raises NotFound, also the second time."""
    await _remove(session, actor, AvailableTime, owner_id, rule_id)


async def add_exception(
    session: AsyncSession,
    actor: Actor,
    *,
    owner_id: uuid.UUID,
    kind: ExceptionKind,
    starts_at: datetime,
    ends_at: datetime,
) -> ScheduleException:
    """Say when somebody or something is away, or can be had besides the rules. What is booked stays booked.

    Raises NotFound, Invalid, Refused.
    """
    if ends_at <= starts_at:
        raise Invalid({"ends_at": "This must end after it begins."})
    if ends_at - starts_at > LONGEST_AWAY:
        raise Invalid({"ends_at": "This is a year at most. Add several."})
    if ends_at < now():
        raise Invalid({"starts_at": "This is over. Plan what is to come."})
    schedule = await _kept(session, actor, owner_id)
    if sum(one.ends_at > now() for one in schedule.exceptions) >= MOST:
        raise Refused("These are too many exceptions. Remove some first.")
    exception = ScheduleException(
        id=uuid.uuid4(), schedule_id=schedule.id, kind=kind, starts_at=starts_at, ends_at=ends_at
    )
    session.add(exception)
    await _note(session, actor, schedule, what=f"{kind}-added")
    return exception


async def remove_exception(
    session: AsyncSession, actor: Actor, *, owner_id: uuid.UUID, exception_id: uuid.UUID
) -> None:
    """Take an exception away. Raises NotFound, also the second time."""
    await _remove(session, actor, ScheduleException, owner_id, exception_id)


async def add_resource(session: AsyncSession, actor: Actor, *, kind: ResourceKind, name: str) -> BookableResource:
    """A room or a device of the actor's establishment. Raises NotFound, Invalid."""
    require(actor, Permission.ROSTER)
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid({"name": "Give a name of at most 80 characters."})
    assert actor.organization_id is not None, "who keeps a roster has an establishment"
    thing = BookableResource(id=uuid.uuid4(), organization_id=actor.organization_id, kind=kind, name=name)
    session.add(thing)
    await session.flush()
    audit.record(session, actor, "resource-added", thing, kind=kind)
    await session.flush()
    return thing


async def retire_resource(session: AsyncSession, actor: Actor, *, resource_id: uuid.UUID) -> None:
    """It is booked no more; what is booked already stays. Raises NotFound, Refused the second time."""
    thing = (await owner_of_hours(session, actor, resource_id)).thing
    if thing is None:
        raise NotFound
    if thing.retired_at is not None:
        raise Refused("This is not booked any more already.")
    thing.retired_at = now()
    audit.record(session, actor, "resource-retired", thing)
    await session.flush()


def holiday_codes() -> list[str]:
    """Whose public holidays are known: countries, and some of their parts."""
    return sorted([*public_holidays.list_supported_countries(include_aliases=False), *PARTS])


async def _schedule(session: AsyncSession, owner_id: uuid.UUID) -> Schedule | None:
    found: Schedule | None = await session.scalar(
        select(Schedule)
        .where(
            (Schedule.practitioner_role_id == owner_id)
            | (Schedule.service_id == owner_id)
            | (Schedule.resource_id == owner_id)
        )
        .options(selectinload(Schedule.rules), selectinload(Schedule.exceptions))
        .execution_options(populate_existing=True)
    )
    return found


async def _kept(session: AsyncSession, actor: Actor, owner_id: uuid.UUID) -> Schedule:
    """The schedule, begun where there is none yet: on the clock of the establishment."""
    owner = await owner_of_hours(session, actor, owner_id)
    if owner.schedule is not None:
        return owner.schedule
    house = await session.get_one(Organization, actor.organization_id)
    session.add(
        Schedule(
            organization_id=house.id,
            practitioner_role_id=owner.role.id if owner.role else None,
            service_id=owner.service.id if owner.service else None,
            resource_id=owner.thing.id if owner.thing else None,
            time_zone=house.time_zone,
            updated_at=now(),
        )
    )
    await session.flush()
    begun = await _schedule(session, owner_id)
    assert begun is not None, "it was just begun"
    return begun


async def _remove(
    session: AsyncSession,
    actor: Actor,
    kind: type[AvailableTime | ScheduleException],
    owner_id: uuid.UUID,
    row_id: uuid.UUID,
) -> None:
    schedule = (await owner_of_hours(session, actor, owner_id)).schedule
    row: AvailableTime | ScheduleException | None = await session.get(kind, row_id)
    if schedule is None or row is None or row.schedule_id != schedule.id:
        raise NotFound
    await session.delete(row)
    await _note(session, actor, schedule, what="removed")


async def _note(session: AsyncSession, actor: Actor, schedule: Schedule, *, what: str) -> None:
    schedule.updated_at = now()
    of = schedule.practitioner_role_id or schedule.service_id or schedule.resource_id
    audit.record(session, actor, "hours-changed", schedule, what=what, of=of)
    await session.flush()
    session.expire(schedule, ["rules", "exceptions"])
