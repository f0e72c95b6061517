"""One's own password, the application that makes codes, and the codes on paper."""

from aiohttp import web

from teleconsult.accounts.choosing import change_password, demand_of
from teleconsult.accounts.enrolling import confirm_totp, new_recovery_codes, remove_totp, start_totp
from teleconsult.accounts.models import Account
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.db import transaction
from teleconsult.errors import Invalid
from web.bodies import read_form
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import actor_of, address_of, db, own_transactions, sessions_of, settings_of, to_page


@own_transactions
async def password_form(request: web.Request) -> web.StreamResponse:
    """Where one chooses another password."""
    return await _password_page(request)


@own_transactions
async def choose_password(request: web.Request) -> web.StreamResponse:
    """Keep the new password; every other session ends."""
    form = await read_form(request)
    try:
        await change_password(
            sessions_of(request),
            settings_of(request),
            actor_of(request),
            current=form.get("current", ""),
            new=form.get("new", ""),
            address=address_of(request),
        )
    except Invalid as error:
        return await _password_page(request, error)
    flash(request, _("Your password was changed, and your other sessions were ended."))
    return to_page(request, "own_account.show")


async def begin(request: web.Request) -> web.StreamResponse:
    """What an application is to photograph, and where its first code is typed."""
    return await _application_page(request)


async def confirm(request: web.Request) -> web.StreamResponse:
    """The application's first code: from now on one is asked for. The codes for paper are shown this once."""
    code = (await read_form(request)).get("code", "")
    try:
        codes = await confirm_totp(db(request), actor_of(request), settings_of(request), code=code)
    except Invalid as error:
        return await _application_page(request, error)
    return render(request, "accounts/recovery_codes.html.jinja", codes=codes)


async def draw_codes(request: web.Request) -> web.StreamResponse:
    """New codes for paper, shown this once; those before are void."""
    codes = await new_recovery_codes(db(request), actor_of(request), settings_of(request))
    return render(request, "accounts/recovery_codes.html.jinja", codes=codes)


async def removal_form(request: web.Request) -> web.StreamResponse:
    """What it means to do without the application."""
    require_fresh(actor_of(request))
    return render(request, "accounts/remove_application.html.jinja")


@own_transactions
async def remove(request: web.Request) -> web.StreamResponse:
    """Do without the application from now on."""
    password = (await read_form(request)).get("password", "")
    try:
        await remove_totp(
            sessions_of(request),
            settings_of(request),
            actor_of(request),
            password=password,
            address=address_of(request),
        )
    except Invalid as error:
        return render(request, "accounts/remove_application.html.jinja", status=error.status, errors=error)
    flash(request, _("The application is removed. No code is asked for any more."))
    return to_page(request, "own_account.show")


async def _password_page(request: web.Request, error: Invalid | None = None) -> web.Response:
    async with transaction(sessions_of(request), actor_of(request)) as session:
        account = await session.get_one(Account, actor_of(request).account_id)
        demand = await demand_of(session, account)
    return render(
        request,
        "accounts/password.html.jinja",
        status=error.status if error else 200,
        email=account.email,
        shortest=demand.shortest,
        errors=error or {},
    )


async def _application_page(request: web.Request, error: Invalid | None = None) -> web.Response:
    enrolment = await start_totp(db(request), actor_of(request), settings_of(request))
    status = error.status if error else 200
    return render(request, "accounts/application.html.jinja", status=status, enrolment=enrolment, errors=error or {})
