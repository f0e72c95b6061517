"""What the service is judged by: one page of numbers, and the same as a table to take away."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final

from aiohttp import web

from teleconsult.directory.queries import services_offered
from teleconsult.errors import NotFound
from teleconsult.figures.asking import PERIODS
from teleconsult.figures.reckoning import Figures, figures
from teleconsult.figures.waiting import Waiting, Week
from web.figure_words import wait_in_words
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db
from web.tables import as_download
from web.words import label

USUAL: Final = 30
"""Days that are looked back where nothing else is asked."""


async def index(request: web.Request) -> web.StreamResponse:
    """The numbers."""
    days, service_id = _asked(request)
    found = await _found(request)
    offered = await services_offered(db(request))
    return render(
        request,
        "figures/index.html.jinja",
        found=found,
        waits=wait_in_words,
        chart=_chart(found.weeks),
        days=days,
        service_id=service_id,
        services=[(service.id, f"{label(service.specialty)} · {service.organization.name}") for service in offered],
        periods=[(period, _("%(days)s days", days=period)) for period in PERIODS],
        here={"days": days, **({"service": service_id} if service_id else {})},
    )


async def table(request: web.Request) -> web.StreamResponse:
    """The figures of each service and of each establishment that asks, for a spreadsheet (CSV, RFC 4180)."""
    found = await _found(request)
    lines = [[_("All"), "", *_cells(found.waiting)]]
    lines += [[label(specialty), house, *_cells(told)] for specialty, house, told in found.by_service]
    lines += [["", asker, *_cells(told)] for asker, told in found.by_asker]
    return as_download("figures", header=_header(), lines=lines)


async def _found(request: web.Request) -> Figures:
    days, service_id = _asked(request)
    actor = actor_of(request)
    return await figures(db(request), actor, days=days, time_zone=actor.time_zone, service_id=service_id)


def _asked(request: web.Request) -> tuple[int, uuid.UUID | None]:
    """The period and the service. Raises NotFound for what is none."""
    try:
        days = int(request.query.get("days", USUAL))
        service = request.query.get("service")
        service_id = uuid.UUID(service) if service else None
    except ValueError as error:
        raise NotFound from error
    if days not in PERIODS:
        raise NotFound
    return days, service_id


def _chart(weeks: Sequence[Week]) -> str:
    """Week by week: its Monday (seconds since 1970, UTC), consults asked for, hours until the half was answered."""
    days = [int(datetime.combine(week.begins, time(), UTC).timestamp()) for week in weeks]
    hours = [None if week.answered is None else round(week.answered / 3600, 2) for week in weeks]
    return json.dumps([days, [week.asked for week in weeks], hours])


def _header() -> list[str]:
    return [
        _("Specialty"),
        _("Establishment"),
        _("Consults asked for"),
        _("First answer, median, hours"),
        _("First answer, nine of ten within, hours"),
        _("Answered within the promise, share"),
        _("Signed advice, median, hours"),
        _("Sessions held"),
        _("Sessions missed"),
        _("Outcome told"),
        _("Journeys avoided"),
    ]


def _cells(told: Waiting) -> list[str]:
    counts = told.held, told.missed, told.followed_up, told.spared
    waits = (_hours(told.answered), _hours(told.answered_late), _share(told.in_promise), _hours(told.advised))
    return [str(told.asked), *waits, *(str(count) for count in counts)]


def _hours(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 3600:.2f}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.3f}"
