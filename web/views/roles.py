"""The roles one has, and changing to another one without signing in again."""

import uuid

from aiohttp import web

from teleconsult.accounts.roles import own_roles, switch_role
from teleconsult.errors import NotFound
from web.bodies import read_form
from web.cookies import set_session
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, frame_of, settings_of, to_page

FRAME = "roles"


async def index(request: web.Request) -> web.StreamResponse:
    """Every role of one's own; in the bar's menu, only the list."""
    prefix = "_" if frame_of(request) == FRAME else ""
    return render(request, f"accounts/{prefix}roles.html.jinja", roles=await own_roles(db(request), actor_of(request)))


async def switch(request: web.Request) -> web.StreamResponse:
    """Go on in another role, at its home, under a new cookie."""
    form = await read_form(request)
    try:
        role_id = uuid.UUID(form.get("role", ""))
    except ValueError as error:
        raise NotFound from error
    actor, token = await switch_role(db(request), actor_of(request), role_id=role_id)
    flash(request, _("You now work for %(establishment)s.", establishment=actor.organization_name))
    return set_session(to_page(request, "home.show"), settings_of(request), token)
