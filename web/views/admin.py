"""The administrator's first page: how the establishment stands."""

from aiohttp import web

from teleconsult.directory.overview import establishment_overview
from teleconsult.patients.comparing import waiting_count
from web.rendering import render
from web.requests import actor_of, db, settings_of


async def show(request: web.Request) -> web.StreamResponse:
    """The establishment in numbers, each leading to where it is looked after."""
    session, actor = db(request), actor_of(request)
    overview = await establishment_overview(session, actor, settings_of(request))
    waiting = await waiting_count(session, actor)
    return render(request, "admin/show.html.jinja", overview=overview, to_compare=waiting)
