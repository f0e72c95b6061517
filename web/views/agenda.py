"""Who meets when, day by day."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from aiohttp import web

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.states import Verb, may, state_of
from teleconsult.encounters.link_checks import checks_of
from teleconsult.errors import NotFound
from teleconsult.scheduling.queries import SHOWN, agenda
from web.rendering import render, zone_of
from web.requests import actor_of, db

FARTHEST = timedelta(days=3660)


async def show(request: web.Request) -> web.StreamResponse:
    """Two weeks of appointments from a day on, on the reader's clock and the other side's."""
    actor = actor_of(request)
    zone = zone_of(actor.time_zone)
    today = now().astimezone(zone).date()
    first = _day(request.query["from"], today) if "from" in request.query else today
    start = datetime.combine(first, time(), zone).astimezone(UTC)
    consults = await agenda(db(request), actor, start=start)

    def day_of(consult: ServiceRequest) -> date:
        assert consult.appointment is not None, "the query found it by its appointment"
        return consult.appointment.starts_at.astimezone(zone).date()

    return render(
        request,
        "agenda/show.html.jinja",
        days=[(day, list(group)) for day, group in groupby(consults, key=day_of)],
        first=first,
        today=today,
        earlier=first - SHOWN,
        later=first + SHOWN,
        state_of=state_of,
        checks=await checks_of(db(request), actor, [consult.id for consult in consults]),
        may_join=lambda consult: may(consult, actor, Verb.JOIN),
    )


def _day(text: str, today: date) -> date:
    """A day of the address. Raises NotFound for what is none, or is ten years away."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise NotFound from error
    if abs(day - today) > FARTHEST:
        raise NotFound
    return day
