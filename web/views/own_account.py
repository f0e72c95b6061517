"""One's own account: who one is, the ways in, and where one is signed in."""

from aiohttp import web

from teleconsult.accounts.enrolling import recovery_codes_left, totp_since
from teleconsult.accounts.identities import identities_of
from teleconsult.accounts.models import Account
from teleconsult.accounts.own_sessions import end_other_sessions, end_own_session, own_sessions
from teleconsult.accounts.passkey_proofs import passkeys_of
from teleconsult.accounts.roles import own_roles
from web.devices import device_name
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, settings_of, to_page


async def show(request: web.Request) -> web.StreamResponse:
    """Everything of one's own account on one page."""
    session, settings, actor = db(request), settings_of(request), actor_of(request)
    return render(
        request,
        "accounts/own_account.html.jinja",
        account=await session.get_one(Account, actor.account_id),
        identities=await identities_of(session, actor),
        roles=await own_roles(session, actor),
        application=await totp_since(session, actor),
        codes_left=await recovery_codes_left(session, actor),
        passkeys=await passkeys_of(session, actor.account_id),
        sessions=await own_sessions(session, settings, actor),
        device_name=device_name,
    )


async def end_session(request: web.Request) -> web.StreamResponse:
    """Sign one browser out."""
    await end_own_session(db(request), actor_of(request), session_id=id_in(request))
    flash(request, _("That browser is signed out."))
    return to_page(request, "own_account.show")


async def end_others(request: web.Request) -> web.StreamResponse:
    """Sign every other browser out."""
    await end_other_sessions(db(request), actor_of(request))
    flash(request, _("You are signed out everywhere but here."))
    return to_page(request, "own_account.show")
