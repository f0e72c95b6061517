"""The next times that suit everybody and everything a session needs."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import RequestPriority, ServiceRequest
from teleconsult.encounters.attendance import Span
from teleconsult.scheduling.common_times import AHEAD, common_times
from teleconsult.scheduling.diaries import busy_times, needed_by
from teleconsult.scheduling.hours_models import BookableResource

PRESSING: Final = (RequestPriority.STAT, RequestPriority.ASAP)
"""What may not wait for usual hours, where nobody said which are theirs."""
FARTHEST: Final = timedelta(days=84)
NOTICE: Final = timedelta(minutes=15)
"""Nobody is found a time that begins sooner."""


@dataclass(frozen=True, slots=True)
class FreeTimes:
    """What was found, and from when on there may be more; None where nothing more is looked for."""

    times: list[Span]
    more_from: datetime | None


async def free_times(
    session: AsyncSession,
    actor: Actor,
    consult: ServiceRequest,
    *,
    minutes: int,
    things: Sequence[uuid.UUID] | None = None,
    people: Sequence[uuid.UUID] | None = None,
    since: datetime | None = None,
    most: int = 24,
) -> FreeTimes:
    """The next times for a consult's session, for who arranges it; the consult is loaded whole.

    The one it is booked for is not among them. Looked for two weeks at a time, for twelve weeks. Raises NotFound,
    Invalid on `things` and `people`.
    """
    require(actor, Permission.CONSULT_TRIAGE)
    needed = await needed_by(session, consult, things=things, people=people)
    booked = consult.appointment if consult.appointment and consult.appointment.booked_at else None
    besides, present = (booked.id, Span(booked.starts_at, booked.ends_at)) if booked else (None, None)
    start = max(since or now(), now() + NOTICE)
    end = start + FARTHEST
    found: list[Span] = []
    while start < end and len(found) < most:
        window = Span(start, start + AHEAD)
        busy = await busy_times(session, needed, window, besides=besides)
        diaries = needed.diaries(busy, is_usual=consult.priority not in PRESSING)
        times = common_times(diaries, window, timedelta(minutes=minutes))
        found += islice((time for time in times if time != present), most - len(found))
        start = window.end
    return FreeTimes(found, found[-1].end if len(found) == most else None)


async def things_here(session: AsyncSession, consult: ServiceRequest) -> Sequence[BookableResource]:
    """The rooms and devices of the establishment that answers, rooms first."""
    assert consult.service is not None, "what is scheduled was submitted"
    found = await session.scalars(
        select(BookableResource)
        .where(
            BookableResource.organization_id == consult.service.organization_id,
            BookableResource.retired_at.is_(None),
        )
        .order_by(BookableResource.kind.desc(), BookableResource.name, BookableResource.id)
    )
    return found.all()
