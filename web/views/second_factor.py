"""The second step of signing in."""

from aiohttp import web

from teleconsult.accounts.models import SecretPurpose
from teleconsult.accounts.signing_in import show_second_factor
from teleconsult.errors import Invalid, Refused
from web.bodies import read_form
from web.cookies import own_path
from web.entrance import bound, let_in, visit_of
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import own_transactions, sessions_of, settings_of, to_page

PAGE = "accounts/second_factor.html.jinja"


@own_transactions
async def form(request: web.Request) -> web.StreamResponse:
    """Where the code is typed; who has not begun goes to the first step."""
    if not bound(request, SecretPurpose.SECOND_FACTOR):
        return to_page(request, "accounts.sign_in")
    return render(request, PAGE, next=own_path(request.query.get("next", "")))


@own_transactions
async def show(request: web.Request) -> web.StreamResponse:
    """Take the code: on with a session."""
    fields = await read_form(request)
    target = own_path(fields.get("next", ""))
    try:
        entry = await show_second_factor(
            sessions_of(request),
            settings_of(request),
            browser=bound(request, SecretPurpose.SECOND_FACTOR),
            code=fields.get("code", ""),
            visit=visit_of(request),
        )
    except Invalid as error:
        return render(request, PAGE, status=422, next=target, errors=error)
    except Refused as error:
        flash(request, _(error.message), "warn")
        return to_page(request, "accounts.sign_in")
    return let_in(request, entry, target=target, after=SecretPurpose.SECOND_FACTOR)
