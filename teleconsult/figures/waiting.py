"""How long people wait for an answer, and what became of what they asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Date, Float, Integer, Join, case, cast, column, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ConsultMode, FollowUp
from teleconsult.directory.models import HealthcareService, Organization, Specialty
from teleconsult.figures.asking import Scope, at_most, counted, median, seconds
from teleconsult.scheduling.models import Appointment, AppointmentStatus

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


@dataclass(frozen=True, slots=True)
class Week:
    """Consults submitted in the week that begins on this Monday."""

    begins: date
    asked: int
    answered: float | None


async def waiting_of_all(session: AsyncSession, scope: Scope) -> Waiting:
    """Of all that is counted. The session is the system's."""
    every = counted(scope)
    return Waiting(*(await session.execute(select(*_figures(every)).select_from(_with_outcomes(every)))).one())


async def waiting_by_service(session: AsyncSession, scope: Scope) -> Sequence[tuple[Specialty, str, Waiting]]:
    """By specialty and the establishment that answers, the most asked first. The session is the system's."""
    every = counted(scope)
    found = await session.execute(
        select(HealthcareService.specialty, Organization.name, *_figures(every))
        .select_from(
            _with_outcomes(every)
            .join(HealthcareService, HealthcareService.id == every.c.service_id)
            .join(Organization, Organization.id == HealthcareService.organization_id)
        )
        .group_by(HealthcareService.id, Organization.name)
        .order_by(func.count().desc(), Organization.name, HealthcareService.specialty)
        .limit(MOST_GROUPS)
    )
    return [(specialty, house, Waiting(*figures)) for specialty, house, *figures in found]


async def waiting_by_asker(session: AsyncSession, scope: Scope) -> Sequence[tuple[str, Waiting]]:
    """By the establishment that asks, the most asking first. The session is the system's."""
    every = counted(scope)
    found = await session.execute(
        select(Organization.name, *_figures(every))
        .select_from(_with_outcomes(every).join(Organization, Organization.id == every.c.asking_id))
        .group_by(Organization.id)
        .order_by(func.count().desc(), Organization.name)
        .limit(MOST_GROUPS)
    )
    return [(name, Waiting(*figures)) for name, *figures in found]


async def weeks(session: AsyncSession, scope: Scope, *, time_zone: str) -> Sequence[Week]:
    """Week by week on the clock of a zone, without those in which nothing was asked. The session is the system's."""
    every = counted(scope)
    begins = cast(func.date_trunc("week", func.timezone(time_zone, every.c.submitted_at)), Date).label("begins")
    waited = seconds(every.c.submitted_at, every.c.answered_at)
    found = await session.execute(
        select(begins, func.count(), median(waited)).select_from(every).group_by(begins).order_by(begins)
    )
    return [Week(*row) for row in found]


def _with_outcomes(every: CTE) -> Join:
    """Each counted consult beside how its booked times ended and what was told of it later."""
    times = (
        select(
            func.count().filter(Appointment.status == AppointmentStatus.FULFILLED).label("held"),
            func.count().filter(Appointment.status == AppointmentStatus.NOSHOW).label("missed"),
        )
        .where(Appointment.service_request_id == every.c.id)
        .lateral("times")
    )
    later = FollowUp.service_request_id == every.c.id
    return every.join(times, literal(True)).outerjoin(FollowUp, later)


def _figures(every: CTE) -> list[ColumnElement[Any]]:
    """The fields of `Waiting`, in their order."""
    waited = seconds(every.c.submitted_at, every.c.answered_at)
    advised = seconds(every.c.submitted_at, every.c.signed_at)
    is_kept = waited <= every.c.promised
    unanswered = seconds(every.c.submitted_at, func.coalesce(every.c.ended_at, func.now()))
    is_due = or_(every.c.answered_at.is_not(None), unanswered > every.c.promised)
    return [
        func.count(),
        median(waited),
        at_most(NINE_OF_TEN, waited),
        cast(func.count().filter(is_kept), Float) / func.nullif(func.count().filter(is_due), 0),
        median(case((every.c.mode == ConsultMode.ADVICE, advised))),
        cast(func.coalesce(func.sum(column("held")), 0), Integer),
        cast(func.coalesce(func.sum(column("missed")), 0), Integer),
        func.count(FollowUp.id),
        func.count().filter(FollowUp.journey_avoided),
    ]
