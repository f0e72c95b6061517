"""The administrator's page: who works here."""

from aiohttp import web

from teleconsult.accounts.queries import accounts_of_establishment
from web.rendering import render
from web.requests import actor_of, db


async def show(request: web.Request) -> web.StreamResponse:
    """The people of the administrator's establishment."""
    people = await accounts_of_establishment(db(request), actor_of(request))
    return render(request, "admin/show.html.jinja", people=people)
