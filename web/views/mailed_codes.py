"""Signing in by a code that is mailed: ask for it, then type it."""

from aiohttp import web

from teleconsult.accounts.mailed_codes import ask_for_code, sign_in_by_code
from teleconsult.accounts.models import SecretPurpose
from teleconsult.errors import Invalid
from web.bodies import read_form
from web.cookies import own_path
from web.entrance import bind, bound, let_in, visit_of
from web.rendering import render
from web.requests import own_transactions, see_other, sessions_of, settings_of, to_page

ENTRY = "accounts/mailed_code_entry.html.jinja"


@own_transactions
async def form(request: web.Request) -> web.StreamResponse:
    """Where one says to which address."""
    return render(request, "accounts/mailed_code.html.jinja", next=own_path(request.query.get("next", "")))


@own_transactions
async def ask(request: web.Request) -> web.StreamResponse:
    """Have a code mailed. The answer is the same whether the address is anybody's or not."""
    fields = await read_form(request)
    browser = await ask_for_code(
        sessions_of(request), settings_of(request), email=fields.get("email", ""), visit=visit_of(request)
    )
    page = request.app.router["mailed_code.entry"].url_for().with_query(next=own_path(fields.get("next", "")))
    return bind(request, see_other(page), SecretPurpose.SIGN_IN_CODE, browser)


@own_transactions
async def entry_form(request: web.Request) -> web.StreamResponse:
    """Where the code is typed; who has not asked for one does so first."""
    if not bound(request, SecretPurpose.SIGN_IN_CODE):
        return to_page(request, "mailed_code.form")
    return render(request, ENTRY, next=own_path(request.query.get("next", "")))


@own_transactions
async def take(request: web.Request) -> web.StreamResponse:
    """Take the code: on with a session, or to the second factor."""
    fields = await read_form(request)
    target = own_path(fields.get("next", ""))
    try:
        entry = await sign_in_by_code(
            sessions_of(request),
            settings_of(request),
            browser=bound(request, SecretPurpose.SIGN_IN_CODE),
            code=fields.get("code", ""),
            visit=visit_of(request),
        )
    except Invalid as error:
        return render(request, ENTRY, status=422, next=target, errors=error)
    return let_in(request, entry, target=target, after=SecretPurpose.SIGN_IN_CODE)
