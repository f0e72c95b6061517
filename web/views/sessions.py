"""How the sessions of an establishment went: one page of numbers, and the same as a table to take away."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from aiohttp import web

from teleconsult.encounters.overview import PERIODS, Site, overview
from teleconsult.errors import NotFound
from web.call_words import length_in_words
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db
from web.tables import as_download

USUAL: Final = 30
"""Days that are looked back where nothing else is asked."""


async def index(request: web.Request) -> web.StreamResponse:
    """The numbers."""
    days, partner_id = _asked(request)
    found = await overview(db(request), actor_of(request), days=days, partner_id=partner_id)
    median = found.totals.median_seconds
    return render(
        request,
        "sessions/index.html.jinja",
        found=found,
        totals=found.totals,
        median=None if median is None else length_in_words(timedelta(seconds=median)),
        days=days,
        partner_id=partner_id,
        periods=[(period, _("%(days)s days", days=period)) for period in PERIODS],
        here={"days": days, **({"partner": partner_id} if partner_id else {})},
    )


async def table(request: web.Request) -> web.StreamResponse:
    """The links of each establishment, for a spreadsheet (CSV, RFC 4180)."""
    days, partner_id = _asked(request)
    found = await overview(db(request), actor_of(request), days=days, partner_id=partner_id)
    return as_download("sessions", header=_header(), lines=_lines(found.sites))


def _asked(request: web.Request) -> tuple[int, uuid.UUID | None]:
    """The period and the other establishment. Raises NotFound for what is none."""
    try:
        days = int(request.query.get("days", USUAL))
        partner = request.query.get("partner")
        partner_id = uuid.UUID(partner) if partner else None
    except ValueError as error:
        raise NotFound from error
    if days not in PERIODS:
        raise NotFound
    return days, partner_id


def _header() -> list[str]:
    return [
        _("Establishment"),
        _("Sessions"),
        _("Weak link, share of the time"),
        _("Interruptions an hour"),
        _("Packets lost, share"),
        _("Delay, ms"),
    ]


def _lines(sites: Sequence[Site]) -> list[list[str]]:
    return [
        [
            site.name,
            str(site.sessions),
            *(
                "" if figure is None else f"{figure:.{digits}f}"
                for figure, digits in (
                    (site.weak, 3),
                    (site.interruptions_an_hour, 2),
                    (site.loss, 4),
                    (site.round_trip, 0),
                )
            ),
        ]
        for site in sites
    ]
