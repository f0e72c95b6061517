"""A new password for who forgot theirs: ask for the link, follow it, choose."""

from aiohttp import web

from teleconsult.accounts.models import SecretPurpose
from teleconsult.accounts.one_time import Link
from teleconsult.accounts.resetting import ask_for_reset, reset_demand, reset_password
from teleconsult.errors import Invalid, Refused
from web.bodies import read_form
from web.entrance import bind, bound, let_in, visit_of
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import own_transactions, sessions_of, settings_of, to_page

PAGE = "accounts/reset.html.jinja"
REFUSAL = "accounts/reset_refused.html.jinja"


@own_transactions
async def form(request: web.Request) -> web.StreamResponse:
    """Where one says to which address."""
    return render(request, "accounts/reset_ask.html.jinja")


@own_transactions
async def ask(request: web.Request) -> web.StreamResponse:
    """Have a link mailed. The answer is the same whether the address is anybody's or not."""
    fields = await read_form(request)
    browser = await ask_for_reset(
        sessions_of(request), settings_of(request), email=fields.get("email", ""), visit=visit_of(request)
    )
    return bind(request, to_page(request, "reset.asked"), SecretPurpose.PASSWORD_RESET, browser)


@own_transactions
async def asked(request: web.Request) -> web.StreamResponse:
    """What to do now: look at one's mail."""
    return render(request, "accounts/reset_asked.html.jinja")


@own_transactions
async def choose_form(request: web.Request) -> web.StreamResponse:
    """Where the link leads. Looking uses nothing up."""
    try:
        demand = await reset_demand(sessions_of(request), link=_link(request))
    except Refused as error:
        return render(request, REFUSAL, status=error.status, errors=error)
    return render(request, PAGE, shortest=demand.shortest)


@own_transactions
async def choose(request: web.Request) -> web.StreamResponse:
    """Keep the new password: on with a session, or to the second factor."""
    fields = await read_form(request)
    try:
        entry = await reset_password(
            sessions_of(request),
            settings_of(request),
            link=_link(request),
            new=fields.get("new", ""),
            visit=visit_of(request),
        )
    except Invalid as error:
        return render(request, PAGE, status=422, errors=error, shortest=None)
    except Refused as error:
        return render(request, REFUSAL, status=error.status, errors=error)
    flash(request, _("Your password was changed, and your other sessions were ended."))
    return let_in(request, entry, target="/", after=SecretPurpose.PASSWORD_RESET)


def _link(request: web.Request) -> Link:
    return Link(token=request.match_info["token"], browser=bound(request, SecretPurpose.PASSWORD_RESET))
