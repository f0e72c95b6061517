"""Who meets when: a day, a week, or a list of two weeks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from typing import Final

from aiohttp import web

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.states import Verb, may, state_of
from teleconsult.encounters.attendance import Span
from teleconsult.encounters.colleagues import invited_sessions
from teleconsult.encounters.link_checks import checks_of
from teleconsult.errors import NotFound
from teleconsult.meetings.queries import meetings_between
from teleconsult.scheduling.diaries import hours_of
from teleconsult.scheduling.hours import open_spans
from teleconsult.scheduling.models import Appointment
from teleconsult.scheduling.queries import SHOWN, agenda
from web.rendering import render, zone_of
from web.requests import actor_of, db

FARTHEST: Final = timedelta(days=3660)
DAY: Final = timedelta(days=1)
WORKING: Final = range(7, 19)
"""The hours that are shown where no session lies outside of them."""


class View(StrEnum):
    """How the agenda is looked at."""

    LIST = "list"
    WEEK = "week"
    DAY = "day"


LENGTHS: Final = {View.LIST: SHOWN, View.WEEK: 7 * DAY, View.DAY: DAY}


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a day: what begins in it, and whether one can be had; None where one never said."""

    hour: int
    consults: list[ServiceRequest]
    is_open: bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """One day, hour by hour."""

    day: date
    hours: list[Hour]

    @property
    def is_empty(self) -> bool:
        """Whether nothing begins on it."""
        return not any(hour.consults for hour in self.hours)

    @property
    def is_closed(self) -> bool:
        """Whether whoever reads it takes no sessions that day, as they said."""
        return all(hour.is_open is False for hour in self.hours)


async def show(request: web.Request) -> web.StreamResponse:
    """Appointments from a day on, on the reader's clock; in the list, on the other side's too."""
    actor = actor_of(request)
    zone = zone_of(actor.time_zone)
    today = now().astimezone(zone).date()
    first = _day(request.query["from"], today) if "from" in request.query else today
    view = _view(request.query.get("view", View.LIST))
    start, end = _midnight(first, zone), _midnight(first + LENGTHS[view], zone)
    consults = await agenda(db(request), actor, start=start, end=end)
    invited = await invited_sessions(db(request), actor, start=start, end=end)
    spans = await _open(request, Span(start, end)) if view is not View.LIST else None
    return render(
        request,
        "agenda/show.html.jinja",
        view=view,
        meetings=await meetings_between(db(request), actor, start, end),
        invited=invited,
        days=[(day, list(group)) for day, group in groupby(consults, key=lambda one: _start_of(one, zone).date())],
        columns=_columns(consults, spans, first, LENGTHS[view].days, zone) if view is not View.LIST else [],
        first=first,
        last=first + LENGTHS[view] - DAY,
        today=today,
        earlier=first - LENGTHS[view],
        later=first + LENGTHS[view],
        state_of=state_of,
        checks=await checks_of(db(request), actor, [consult.id for consult in consults]),
        may_join=lambda consult: may(consult, actor, Verb.JOIN),
    )


def _columns(
    consults: Sequence[ServiceRequest], spans: list[Span] | None, first: date, days: int, zone: tzinfo
) -> list[Column]:
    """Each day by the hours of the reader's clock: those of a working day, or all where something lies outside."""
    starts = [(_start_of(consult, zone), consult) for consult in consults]
    shown = WORKING if all(start.hour in WORKING for start, _ in starts) else range(24)
    return [
        Column(
            day,
            [
                Hour(
                    hour,
                    [consult for start, consult in starts if (start.date(), start.hour) == (day, hour)],
                    _is_open(spans, datetime.combine(day, time(hour), zone)),
                )
                for hour in shown
            ],
        )
        for day in (first + n * DAY for n in range(days))
    ]


def _is_open(spans: list[Span] | None, start: datetime) -> bool | None:
    if spans is None:
        return None
    begins = start.astimezone(UTC)
    return any(span.start < begins + timedelta(hours=1) and begins < span.end for span in spans)


async def _open(request: web.Request, window: Span) -> list[Span] | None:
    """When sessions of the reader's can be booked; None where they set no hours."""
    role_id = actor_of(request).role_id
    hours = (await hours_of(db(request), [role_id])).get(role_id) if role_id else None
    return open_spans(hours, window) if hours is not None and (hours.rules or hours.away) else None


def _start_of(consult: ServiceRequest, zone: tzinfo) -> datetime:
    appointment: Appointment | None = consult.appointment
    assert appointment is not None, "the query found it by its appointment"
    return appointment.starts_at.astimezone(zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _view(text: str) -> View:
    """Raises NotFound for a view there is none of."""
    try:
        return View(text)
    except ValueError as error:
        raise NotFound from error


def _day(text: str, today: date) -> date:
    """A day of the address. Raises NotFound for what is none, or is ten years away."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise NotFound from error
    if abs(day - today) > FARTHEST:
        raise NotFound
    return day
