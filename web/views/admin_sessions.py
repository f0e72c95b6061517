"""Who is signed in to an establishment now, and the tokens that act in its roles."""

from aiohttp import web

from teleconsult.access import Purpose
from teleconsult.accounts.queries import sessions_of_establishment
from teleconsult.accounts.tokens import revoke_token, tokens_of_establishment
from teleconsult.directory.people import end_session_here
from web.devices import device_name
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, settings_of, to_page
from web.words import options


async def index(request: web.Request) -> web.StreamResponse:
    """Every browser that is signed in here."""
    sessions = await sessions_of_establishment(db(request), actor_of(request), settings_of(request))
    return render(request, "admin/sessions.html.jinja", sessions=sessions, device_name=device_name)


async def end(request: web.Request) -> web.StreamResponse:
    """Sign one out."""
    await end_session_here(db(request), actor_of(request), session_id=id_in(request))
    flash(request, _("That browser is signed out."))
    return to_page(request, "admin_sessions.index")


async def tokens(request: web.Request) -> web.StreamResponse:
    """The tokens that machines hold for roles here."""
    return render(
        request,
        "admin/tokens.html.jinja",
        tokens=await tokens_of_establishment(db(request), actor_of(request)),
        purpose_words=dict(options(Purpose)),
    )


async def revoke(request: web.Request) -> web.StreamResponse:
    """End one."""
    await revoke_token(db(request), actor_of(request), token_id=id_in(request))
    flash(request, _("The token is worth nothing any more."))
    return to_page(request, "admin_tokens.index")
