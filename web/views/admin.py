"""The administrator's first page: how the establishment stands."""

from aiohttp import web

from teleconsult.directory.overview import establishment_overview
from web.rendering import render
from web.requests import actor_of, db, settings_of


async def show(request: web.Request) -> web.StreamResponse:
    """The establishment in numbers, each leading to where it is looked after."""
    overview = await establishment_overview(db(request), actor_of(request), settings_of(request))
    return render(request, "admin/show.html.jinja", overview=overview)
