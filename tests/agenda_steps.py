"""Hours, rooms, and many consults at once, for tests of times."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner
from teleconsult.scheduling.hours_models import (
    AvailableTime,
    BookableResource,
    ExceptionKind,
    ResourceKind,
    Schedule,
    ScheduleException,
)
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests.people import Cast

EVERY_DAY = tuple(range(1, 8))
TORONTO = ZoneInfo("America/Toronto")


async def hours(
    sessions: Sessions,
    cast: Cast,
    *,
    role: uuid.UUID | None = None,
    service: uuid.UUID | None = None,
    thing: uuid.UUID | None = None,
    zone: str = "America/Toronto",
    between: tuple[int, int] | None = (9 * 60, 17 * 60),
    away: Sequence[tuple[datetime, datetime]] = (),
    house: str = "tertiary",
    buffer: int = 0,
    slot: int | None = None,
) -> uuid.UUID:
    """Hours of somebody or something, every day between two minutes of the day. The schedule's id."""
    async with transaction(sessions) as session:
        schedule = Schedule(
            id=uuid.uuid4(),
            organization_id=cast.organizations[house].id,
            practitioner_role_id=role,
            service_id=service,
            resource_id=thing,
            time_zone=zone,
            buffer_minutes=buffer,
            updated_at=now(),
        )
        session.add(schedule)
        await session.flush()
        if between is not None:
            session.add(
                AvailableTime(
                    schedule_id=schedule.id,
                    weekdays=list(EVERY_DAY),
                    from_minute=between[0],
                    until_minute=between[1],
                    first_day=date(2020, 1, 1),
                    slot_minutes=slot,
                )
            )
        session.add_all(
            ScheduleException(schedule_id=schedule.id, kind=ExceptionKind.AWAY, starts_at=start, ends_at=end)
            for start, end in away
        )
    return schedule.id


async def rule_of(sessions: Sessions, cast: Cast) -> uuid.UUID:
    """A rule of the neurologist's hours, around the clock: its id."""
    schedule_id = await hours(sessions, cast, role=cast.specialist.role_id, between=(0, 1440))
    async with transaction(sessions) as session:
        found = await session.scalars(select(AvailableTime.id).where(AvailableTime.schedule_id == schedule_id))
        return found.one()


async def room(sessions: Sessions, cast: Cast, name: str = "Room 12", house: str = "tertiary") -> BookableResource:
    """A room of an establishment."""
    async with transaction(sessions) as session:
        made = BookableResource(
            id=uuid.uuid4(), organization_id=cast.organizations[house].id, kind=ResourceKind.ROOM, name=name
        )
        session.add(made)
        await session.flush()
    return made


async def many_pending(
    cast: Cast, sessions: Sessions, count: int, *, starts_at: datetime, minutes: int = 30
) -> list[ServiceRequest]:
    """So many consults the neurologist accepted, all proposed for the same time: rows, not acts, for speed."""
    moment, owner = now(), cast.specialist
    async with transaction(sessions) as session:
        practitioner = await session.get_one(Practitioner, owner.practitioner_id)
        consults = [
            ServiceRequest(
                id=uuid.uuid4(),
                patient_id=cast.patient.id,
                requester_role_id=cast.rural.role_id,
                requester_organization_id=cast.rural.organization_id,
                service_id=cast.neurology.id,
                status=RequestStatus.ACTIVE,
                question="?",
                authored_on=moment,
                updated_at=moment,
                submitted_at=moment,
            )
            for _ in range(count)
        ]
        session.add_all(consults)
        await session.flush()
        for consult in consults:
            session.add(
                Task(
                    service_request_id=consult.id,
                    service_id=cast.neurology.id,
                    owner_role_id=owner.role_id,
                    status=TaskStatus.ACCEPTED,
                    created_at=moment,
                    modified_at=moment,
                )
            )
            session.add(
                Appointment(
                    service_request_id=consult.id,
                    specialist_role_id=owner.role_id,
                    specialist_key=practitioner.key,
                    starts_at=starts_at,
                    ends_at=starts_at + timedelta(minutes=minutes),
                    status=AppointmentStatus.PENDING,
                    created_by_id=cast.coordinator.role_id,
                    created_at=moment,
                )
            )
    return consults
