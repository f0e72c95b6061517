"""How long people wait for an answer, and what became of what they asked."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Date, Float, Integer, Subquery, cast, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ConsultMode
from teleconsult.directory.models import HealthcareService, Organization, Specialty
from teleconsult.figures.asking import Scope, counted, median, seconds

NINE_OF_TEN: Final = 0.9
MOST_GROUPS: Final = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """Of some consults. Times are in seconds; times and shares (0 to 1) are None where there is nothing to share."""

    asked: int
    answered: float | None
    """The half waited less than this for the first answer."""
    answered_late: float | None
    """Nine of ten waited less."""
    in_promise: float | None
    """Of those whose promised time was over before they were called off, or who were answered within it."""
    advised: float | None
    """Written advice: the half had the signed note within this time."""
    held: int
    missed: int
    followed_up: int
    spared: int
    """Of those followed up: a journey was avoided."""

    @property
    def missed_share(self) -> float | None:
        """Of the sessions whose time came."""
        due = self.held + self.missed
        return self.missed / due if due else None

    @property
    def spared_share(self) -> float | None:
        """Of the consults whose outcome was told."""
        return self.spared / self.followed_up if self.followed_up else None


NOBODY: Final = Waiting(0, None, None, None, None, 0, 0, 0, 0)
"""Where nothing was asked."""


@dataclass(frozen=True, slots=True)
class Week:
    """Consults submitted in the week that begins on this Monday."""

    begins: date
    asked: int
    answered: float | None


@dataclass(frozen=True, slots=True)
class Waited:
    """The same consults, counted as a whole, by who answers, by who asks, and week by week."""

    all: Waiting
    by_service: Sequence[tuple[Specialty, str, Waiting]]
    by_asker: Sequence[tuple[str, Waiting]]
    weeks: Sequence[Week]


async def waited(session: AsyncSession, scope: Scope, *, time_zone: str) -> Waited:
    """All of it in one look at the rows (SQL:1999 grouping sets). The session is the system's.

    By service and by establishment that asks the most asked first, `MOST_GROUPS` of each; weeks begin on the clock of
    `time_zone`, and those in which nothing was asked are left out.
    """
    every = counted(scope)
    begins = cast(func.date_trunc("week", func.timezone(time_zone, every.c.submitted_at)), Date)
    rows = select(every, begins.label("begins")).subquery("rows_counted")
    by = (rows.c.service_id, rows.c.asking_id, rows.c.begins)
    found = await session.execute(
        select(func.grouping(*by), *by, *_figures(rows)).group_by(
            func.grouping_sets(*(tuple_(one) for one in by), tuple_())
        )
    )
    whole, services, askers, weeks = NOBODY, {}, {}, []
    for grouped, service_id, asking_id, begun, *told in found:
        (median_of, late), *rest = told[1] or (None, None), *told[2:]
        one = Waiting(told[0], median_of, late, *rest)
        match grouped:
            case 0b011:
                services[service_id] = one
            case 0b101:
                askers[asking_id] = one
            case 0b110:
                weeks.append(Week(begun, one.asked, one.answered))
            case _:
                whole = one
    return Waited(
        whole,
        await _named_services(session, services),
        await _named_askers(session, askers),
        sorted(weeks, key=lambda week: week.begins),
    )


async def _named_services(
    session: AsyncSession, services: Mapping[uuid.UUID, Waiting]
) -> Sequence[tuple[Specialty, str, Waiting]]:
    found = await session.execute(
        select(HealthcareService.id, HealthcareService.specialty, Organization.name)
        .join(Organization, Organization.id == HealthcareService.organization_id)
        .where(HealthcareService.id.in_(services))
    )
    named = [(specialty, house, services[id]) for id, specialty, house in found]
    return sorted(named, key=lambda one: (-one[2].asked, one[1], one[0]))[:MOST_GROUPS]


async def _named_askers(session: AsyncSession, askers: Mapping[uuid.UUID, Waiting]) -> Sequence[tuple[str, Waiting]]:
    found = await session.execute(select(Organization.id, Organization.name).where(Organization.id.in_(askers)))
    named = [(name, askers[id]) for id, name in found]
    return sorted(named, key=lambda one: (-one[1].asked, one[0]))[:MOST_GROUPS]


def _figures(every: Subquery) -> list[ColumnElement[Any]]:
    """The fields of `Waiting`, in order; the two of how long the first answer took as one: they are sorted once."""
    took = seconds(every.c.submitted_at, every.c.answered_at)
    advised = seconds(every.c.submitted_at, every.c.signed_at)
    is_kept = took <= every.c.promised
    unanswered = seconds(every.c.submitted_at, func.coalesce(every.c.ended_at, func.now()))
    is_due = or_(every.c.answered_at.is_not(None), unanswered > every.c.promised)
    is_advice = every.c.mode == ConsultMode.ADVICE
    return [
        func.count(),
        func.percentile_cont(cast([0.5, NINE_OF_TEN], ARRAY(Float))).within_group(took),
        cast(func.count().filter(is_kept), Float) / func.nullif(func.count().filter(is_due), 0),
        median(advised).filter(is_advice),
        cast(func.sum(every.c.held), Integer),
        cast(func.sum(every.c.missed), Integer),
        func.count(every.c.journey_avoided),
        func.count().filter(every.c.journey_avoided),
    ]
