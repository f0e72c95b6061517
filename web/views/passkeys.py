"""One's own passkeys: adding and removing them, and what a browser is asked for one."""

from aiohttp import web

from teleconsult.accounts.passkey_proofs import step_up_options
from teleconsult.accounts.passkeys import add_passkey, registration_options, remove_passkey
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.errors import Invalid
from web.bodies import read_form
from web.devices import device_name
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, db, id_in, settings_of, to_page


async def new(request: web.Request) -> web.StreamResponse:
    """The form for a new passkey, once it is sure who asks."""
    require_fresh(actor_of(request))
    return _form(request, name=device_name(request.headers.get("User-Agent", "")))


async def ask_for_new(request: web.Request) -> web.StreamResponse:
    """What the browser is asked for a new passkey (JSON)."""
    return _json(await registration_options(db(request), settings_of(request), actor_of(request)))


async def create(request: web.Request) -> web.StreamResponse:
    """Keep the passkey that the browser made."""
    form = await read_form(request)
    name = form.get("name", "")
    try:
        passkey = await add_passkey(
            db(request), settings_of(request), actor_of(request), answer=form.get("passkey", ""), name=name
        )
    except Invalid as error:
        return _form(request, name=name, error=error)
    flash(request, _("The passkey “%(name)s” is added. You can sign in with it from now on.", name=passkey.name))
    return to_page(request, "own_account.show")


async def remove(request: web.Request) -> web.StreamResponse:
    """From now on this passkey opens nothing."""
    passkey = await remove_passkey(db(request), actor_of(request), passkey_id=id_in(request))
    flash(request, _("The passkey “%(name)s” is removed.", name=passkey.name))
    return to_page(request, "own_account.show")


async def ask_to_step_up(request: web.Request) -> web.StreamResponse:
    """What the browser is asked before an act that binds (JSON)."""
    return _json(await step_up_options(db(request), settings_of(request), actor_of(request)))


def _form(request: web.Request, *, name: str, error: Invalid | None = None) -> web.Response:
    return render(
        request,
        "accounts/passkey.html.jinja",
        status=error.status if error else 200,
        values={"name": name},
        errors=error or {},
    )


def _json(options: str) -> web.Response:
    return web.Response(text=options, content_type="application/json", headers={"Cache-Control": "no-store"})
