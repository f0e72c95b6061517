"""The privacy officer's list of files that were opened without a care relation."""

from datetime import date, timedelta
from itertools import groupby
from typing import Any

from aiohttp import web

from teleconsult.clock import now
from teleconsult.errors import Invalid
from teleconsult.patients.models import BreakGlass
from teleconsult.patients.reviewing import openings_to_review, review_opening
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render, zone_of
from web.requests import actor_of, db, frame_of, id_in, to_page

WEEK = timedelta(days=7)


async def show(request: web.Request) -> web.StreamResponse:
    """First those to judge, then what was judged, week by week."""
    return await _page(request)


async def decide(request: web.Request) -> web.StreamResponse:
    """Say whether an opening was justified."""
    form, opening_id = await read_form(request), id_in(request)
    try:
        await review_opening(
            db(request),
            actor_of(request),
            opening_id=opening_id,
            is_justified=_verdict(form.get("verdict", "")),
            note=form.get("note", ""),
        )
    except Invalid as error:
        return await _page(request, status=422, errors=error, values=form, refused=opening_id)
    flash(request, _("Your decision is recorded."))
    return to_page(request, "glass_review.show")


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    actor = actor_of(request)
    openings = await openings_to_review(db(request), actor)
    return render(
        request,
        "break_glass/_review.html.jinja" if frame_of(request) else "break_glass/review.html.jinja",
        status=status,
        waiting=[opening for opening in openings if opening.reviewed_at is None],
        weeks=_by_week([opening for opening in openings if opening.reviewed_at is not None], actor.time_zone),
        overdue=now() - WEEK,
        **{"refused": None, **context},
    )


def _verdict(code: str) -> bool:
    if code not in ("justified", "not-justified"):
        raise Invalid({"verdict": "Say whether it was justified."})
    return code == "justified"


def _by_week(openings: list[BreakGlass], time_zone: str) -> list[tuple[date, list[BreakGlass]]]:
    """The openings under the Monday of their week, the latest first, on the clock of `time_zone`."""
    zone = zone_of(time_zone)

    def monday(opening: BreakGlass) -> date:
        day = opening.started_at.astimezone(zone).date()
        return day - timedelta(days=day.weekday())

    latest_first = sorted(openings, key=lambda opening: opening.started_at, reverse=True)
    return [(week, list(group)) for week, group in groupby(latest_first, key=monday)]
