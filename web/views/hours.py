"""When people, services, rooms and devices can be had: rules, exceptions, holidays."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from teleconsult.access import Permission, may
from teleconsult.clock import now
from teleconsult.encounters.attendance import Span
from teleconsult.errors import Invalid
from teleconsult.scheduling import keeping_hours
from teleconsult.scheduling.collisions import colliding
from teleconsult.scheduling.diaries import as_hours
from teleconsult.scheduling.hours import open_spans
from teleconsult.scheduling.hours_models import ExceptionKind, Repeat, ResourceKind
from teleconsult.scheduling.keeping_hours import Owner, owner_of_hours
from teleconsult.scheduling.local_times import local_from_moment, next_quarter
from web.agenda_words import holiday_places
from web.bodies import Form, read_form
from web.flash import flash
from web.forms.administration import read_code, read_moment
from web.forms.times import read_buffer, read_rule
from web.i18n import babel_locale
from web.i18n import gettext as _
from web.places import places
from web.rendering import render, zone_of
from web.requests import actor_of, begin_again, db, id_in, to_page
from web.words import label, options

WEEK: Final = 7


async def index(request: web.Request) -> web.StreamResponse:
    """Whose hours one keeps: straight to one's own where there are no others."""
    actor = actor_of(request)
    if not may(actor, Permission.ROSTER):
        assert actor.role_id is not None, "who keeps hours has a role"
        return to_page(request, "hours.show", id=actor.role_id)
    return await _index(request)


async def add_thing(request: web.Request) -> web.StreamResponse:
    """A room or a device that sessions can have."""
    form = await read_form(request)
    try:
        await keeping_hours.add_resource(
            db(request), actor_of(request), kind=read_code(form, "kind", ResourceKind), name=form.get("name", "")
        )
    except Invalid as errors:
        return await _index(request, status=422, errors=errors, values=form)
    flash(request, _("It can be booked from now on."))
    return to_page(request, "hours.index")


async def show(request: web.Request) -> web.StreamResponse:
    """One schedule: its rules, its exceptions, and what they come to in the week to come."""
    return await _page(request)


async def change(request: web.Request) -> web.StreamResponse:
    """The clock, the holidays, the time between two sessions."""

    async def act(form: Form) -> object:
        return await keeping_hours.set_hours(
            db(request),
            actor_of(request),
            owner_id=id_in(request),
            time_zone=form.get("time_zone", ""),
            holidays=form.get("holidays", ""),
            buffer_minutes=read_buffer(form),
        )

    return await _acted(request, act)


async def add(request: web.Request) -> web.StreamResponse:
    """One more rule."""

    async def act(form: Form) -> object:
        return await keeping_hours.add_rule(db(request), actor_of(request), owner_id=id_in(request), **read_rule(form))

    return await _acted(request, act)


async def remove(request: web.Request) -> web.StreamResponse:
    """A rule that holds no longer."""
    await keeping_hours.remove_rule(
        db(request), actor_of(request), owner_id=id_in(request), rule_id=id_in(request, "entry")
    )
    return _back(request)


async def add_exception(request: web.Request) -> web.StreamResponse:
    """Away, or there besides the rules."""

    async def act(form: Form) -> object:
        owner = await owner_of_hours(db(request), actor_of(request), id_in(request))
        zone = _zone(request, owner)
        return await keeping_hours.add_exception(
            db(request),
            actor_of(request),
            owner_id=owner.id,
            kind=read_code(form, "kind", ExceptionKind),
            starts_at=read_moment(form, "starts_at", zone),
            ends_at=read_moment(form, "ends_at", zone),
        )

    return await _acted(request, act)


async def remove_exception(request: web.Request) -> web.StreamResponse:
    """An exception that holds no longer."""
    await keeping_hours.remove_exception(
        db(request), actor_of(request), owner_id=id_in(request), exception_id=id_in(request, "entry")
    )
    return _back(request)


async def retire(request: web.Request) -> web.StreamResponse:
    """A room or device that is not booked any more."""
    await keeping_hours.retire_resource(db(request), actor_of(request), resource_id=id_in(request))
    flash(request, _("It is not booked any more. What is booked already stays."))
    return to_page(request, "hours.index")


async def _acted(request: web.Request, act: Callable[[Form], Awaitable[object]]) -> web.StreamResponse:
    await owner_of_hours(db(request), actor_of(request), id_in(request))
    form = await read_form(request)
    try:
        await act(form)
    except Invalid as errors:
        await begin_again(request)
        return await _page(request, status=422, errors=errors, values=form)
    return _back(request)


def _back(request: web.Request) -> web.Response:
    flash(request, _("The hours are kept. What is booked already stays."))
    return to_page(request, "hours.show", id=id_in(request))


async def _index(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    people, services, things = await keeping_hours.planned_here(db(request), actor_of(request))
    return render(
        request,
        "agenda/hours_index.html.jinja",
        status=status,
        people=people,
        services=services,
        things=things,
        kinds=options(ResourceKind),
        **{"errors": {}, "values": {}, **context},
    )


async def _page(
    request: web.Request,
    *,
    status: int = 200,
    errors: Invalid | None = None,
    values: Form | None = None,
) -> web.StreamResponse:
    actor = actor_of(request)
    owner = await owner_of_hours(db(request), actor, id_in(request))
    zone = _zone(request, owner)
    today = now().astimezone(zone_of(zone)).date()
    starts_at = next_quarter(now())
    schedule = owner.schedule
    return render(
        request,
        "agenda/hours.html.jinja",
        status=status,
        errors=errors or {},
        values=values or {},
        owner=owner,
        name=_name(owner),
        is_own=owner.id == actor.role_id,
        zone=zone,
        zones=places(zone),
        holidays=holiday_places(),
        chosen_days=_chosen_days(values),
        weekday_names=[babel_locale().days["format"]["abbreviated"][day] for day in range(WEEK)],
        repeats=options(Repeat),
        kinds=options(ExceptionKind),
        exceptions=[one for one in schedule.exceptions if one.ends_at > now()] if schedule else [],
        week=_week(owner, zone, today),
        colliding=colliding(schedule.rules) if schedule else frozenset(),
        today=today,
        starts_at=local_from_moment(starts_at, zone),
        ends_at=local_from_moment(starts_at + timedelta(days=1), zone),
    )


def _week(owner: Owner, zone: str, today: date) -> list[tuple[date, list[Span]]] | None:
    """What the rules and exceptions come to in the seven days to come; None where any time will do."""
    if owner.schedule is None or not owner.schedule.rules:
        return None
    hours, place = as_hours(owner.schedule), ZoneInfo(zone)
    bounds = [datetime.combine(today + timedelta(days=n), time(), place).astimezone(UTC) for n in range(WEEK + 1)]
    return [(today + timedelta(days=n), open_spans(hours, Span(bounds[n], bounds[n + 1]))) for n in range(WEEK)]


def _name(owner: Owner) -> str:
    if owner.role is not None:
        return owner.role.practitioner.name
    return str(label(owner.service.specialty)) if owner.service else owner.thing.name if owner.thing else ""


def _zone(request: web.Request, owner: Owner) -> str:
    return owner.schedule.time_zone if owner.schedule else actor_of(request).time_zone


def _chosen_days(values: Form | None) -> set[int]:
    """The weekdays that are ticked; at first, those of a usual week."""
    ticked = values.getall("weekdays", []) if values is not None else list("12345")
    return {int(day) for day in ticked if day in set("1234567")}
