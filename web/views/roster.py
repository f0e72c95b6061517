"""The on-duty roster, seven days at a time, on the clock of the establishment's walls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final

from aiohttp import web

from teleconsult.clock import now
from teleconsult.directory.models import DutyShift, HealthcareService
from teleconsult.directory.roster import add_shift, hand_over, may_be_on_duty, remove_shift, shifts_between
from teleconsult.directory.services import services_here
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.scheduling.local_times import local_from_moment, next_quarter
from web.bodies import read_form
from web.flash import flash
from web.forms.administration import read_id, read_moment
from web.i18n import gettext as _
from web.rendering import render, zone_of
from web.requests import actor_of, db, id_in, see_other

WEEK: Final = timedelta(days=7)
FARTHEST: Final = timedelta(days=3660)
USUAL_HOURS: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of one service: its first moment, who answers, and whether somebody does at every moment to come."""

    start: datetime
    shifts: Sequence[DutyShift]
    is_covered: bool


@dataclass(frozen=True, slots=True)
class Week:
    """One service through seven days; `current` are the shifts under way, `twice` those with another beside them."""

    service: HealthcareService
    days: Sequence[Day]
    """None where nobody is on duty on any of them."""
    current: Sequence[DutyShift]
    twice: frozenset[DutyShift]


async def show(request: web.Request) -> web.StreamResponse:
    """Seven days of every service that takes requests."""
    return await _page(request)


async def create(request: web.Request) -> web.StreamResponse:
    """Put somebody on duty."""
    form, actor = await read_form(request), actor_of(request)
    try:
        await add_shift(
            db(request),
            actor,
            service_id=read_id(form, "service"),
            role_id=read_id(form, "role"),
            starts_at=read_moment(form, "starts_at", actor.time_zone),
            ends_at=read_moment(form, "ends_at", actor.time_zone),
        )
    except (Invalid, Conflict) as error:
        return await _page(request, status=error.status, values=form, errors=error)
    flash(request, _("The shift is on the roster."))
    return _back(request)


async def remove(request: web.Request) -> web.StreamResponse:
    """Take a shift away, or end the one under way."""
    await remove_shift(db(request), actor_of(request), shift_id=id_in(request))
    flash(request, _("The shift is off the roster."))
    return _back(request)


async def give(request: web.Request) -> web.StreamResponse:
    """Hand the rest of a shift over."""
    role_id = read_id(await read_form(request), "role")
    await hand_over(db(request), actor_of(request), shift_id=id_in(request), role_id=role_id)
    flash(request, _("The shift is handed over, from this moment on."))
    return _back(request)


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor = db(request), actor_of(request)
    zone = zone_of(actor.time_zone)
    today = now().astimezone(zone).date()
    first = _day(request, today)
    bounds = [datetime.combine(first + timedelta(days=n), time(), zone).astimezone(UTC) for n in range(8)]
    services = [service for service in await services_here(session, actor) if service.active]
    shifts = await shifts_between(session, actor, start=bounds[0], end=bounds[-1])
    suggested = next_quarter(now())
    return render(
        request,
        "roster/show.html.jinja",
        status=status,
        weeks=[_week(service, [one for one in shifts if one.service_id == service.id], bounds) for service in services],
        people=await may_be_on_duty(session, actor),
        first=first,
        last=first + timedelta(days=6),
        today=today,
        earlier=first - WEEK,
        later=first + WEEK,
        starts_at=local_from_moment(suggested, actor.time_zone),
        ends_at=local_from_moment(suggested + USUAL_HOURS, actor.time_zone),
        **context,
    )


def _week(service: HealthcareService, shifts: Sequence[DutyShift], bounds: Sequence[datetime]) -> Week:
    moment = now()
    days = []
    for start, end in pairwise(bounds):
        of_day = [shift for shift in shifts if shift.starts_at < end and shift.ends_at > start]
        days.append(Day(start, of_day, _covers(of_day, max(start, min(moment, end)), end)))
    current = [shift for shift in shifts if shift.starts_at <= moment < shift.ends_at]
    twice = frozenset(
        one
        for one in shifts
        for other in shifts
        if one is not other and one.starts_at < other.ends_at and one.ends_at > other.starts_at
    )
    return Week(service, days if shifts else [], current, twice)


def _covers(shifts: Sequence[DutyShift], start: datetime, end: datetime) -> bool:
    """Whether somebody answers at every moment from `start` to `end`; what is past does not count."""
    reached = start
    for shift in sorted(shifts, key=lambda one: one.starts_at):
        if shift.starts_at > reached:
            break
        reached = max(reached, shift.ends_at)
    return reached >= end


def _day(request: web.Request, today: date) -> date:
    """The first day asked for. Raises NotFound for what is no day, or is ten years away."""
    try:
        day = date.fromisoformat(request.query["from"]) if "from" in request.query else today
    except ValueError as error:
        raise NotFound from error
    if abs(day - today) > FARTHEST:
        raise NotFound
    return day


def _back(request: web.Request) -> web.Response:
    """To the days one came from."""
    first = {name: value for name, value in request.query.items() if name == "from"}
    return see_other(request.app.router["roster.show"].url_for().with_query(first))
