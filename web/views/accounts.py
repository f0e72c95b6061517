"""Signing in and out, and the language one reads in."""

from aiohttp import web

from teleconsult import accounts
from teleconsult.accounts.signing_in import set_locale
from teleconsult.errors import Invalid
from web.bodies import read_form
from web.cookies import own_path, session_cookie
from web.entrance import YEAR, let_in, visit_of
from web.i18n import LOCALE_COOKIE, LOCALES
from web.rendering import render
from web.requests import (
    actor_of,
    db,
    own_transactions,
    see_other,
    sessions_of,
    settings_of,
    to_page,
    visitor_of,
)


@own_transactions
async def sign_in_form(request: web.Request) -> web.StreamResponse:
    """The sign-in page; who is signed in already goes home."""
    if visitor_of(request):
        return see_other(own_path(request.query.get("next", "")))
    return render(request, "accounts/sign_in.html.jinja", next=own_path(request.query.get("next", "")))


@own_transactions
async def sign_in(request: web.Request) -> web.StreamResponse:
    """Take the password: on with a session, or to the second factor."""
    form = await read_form(request)
    target, email = own_path(form.get("next", "")), form.get("email", "")
    try:
        entry = await accounts.sign_in(
            sessions_of(request),
            settings_of(request),
            email=email,
            password=form.get("password", ""),
            visit=visit_of(request),
        )
    except Invalid as error:
        return render(
            request,
            "accounts/sign_in.html.jinja",
            status=422,
            next=target,
            values={"email": email},
            errors=error,
        )
    return let_in(request, entry, target=target)


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End this session; its sockets are dropped too."""
    await accounts.sign_out(db(request), actor_of(request))
    response = to_page(request, "accounts.sign_in")
    settings = settings_of(request)
    response.del_cookie(session_cookie(secure=settings.is_secure), path="/", secure=settings.is_secure)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def choose_language(request: web.Request) -> web.StreamResponse:
    """Keep the chosen language: in a cookie, and on the account of who is signed in."""
    form = await read_form(request)
    locale = form.get("locale", "")
    if locale not in LOCALES:
        raise Invalid({"": "We do not speak this language yet."})
    if visitor_of(request):
        await set_locale(db(request), actor_of(request), locale=locale)
    response = see_other(own_path(form.get("next", "")))
    response.set_cookie(LOCALE_COOKIE, locale, path="/", max_age=YEAR, samesite="Lax", httponly=True)
    return response
