"""Signing in with a passkey: what a browser is asked, and its answer."""

import secrets
from typing import Final

from aiohttp import web

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.passkey_proofs import sign_in_options
from teleconsult.accounts.passkey_sign_in import sign_in_with_passkey
from teleconsult.db import act_as
from teleconsult.errors import Invalid
from web.bodies import read_form
from web.cookies import own_path
from web.entrance import let_in, visit_of
from web.rendering import render
from web.requests import db, own_transactions, sessions_of, settings_of

BROWSER_COOKIE: Final = "passkey"
"""Binds a challenge to the browser that asked for it; seen by these two views alone."""
PATH: Final = "/sign-in/passkey"
MINUTES: Final = 5


async def ask(request: web.Request) -> web.StreamResponse:
    """What the browser is asked (JSON): any passkey of this site's that it holds."""
    browser = request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(32)
    await act_as(db(request), SYSTEM)  # nobody has signed in yet, and the challenge must be kept
    options = sign_in_options(db(request), settings_of(request), browser=browser)
    response = web.Response(text=options, content_type="application/json", headers={"Cache-Control": "no-store"})
    response.set_cookie(
        BROWSER_COOKIE,
        browser,
        path=PATH,
        max_age=MINUTES * 60,
        httponly=True,
        samesite="Strict",
        secure=settings_of(request).is_secure,
    )
    return response


@own_transactions
async def sign_in(request: web.Request) -> web.StreamResponse:
    """Open a session for whose passkey answered."""
    form = await read_form(request)
    target = own_path(form.get("next", ""))
    try:
        entry = await sign_in_with_passkey(
            sessions_of(request),
            settings_of(request),
            answer=form.get("passkey", ""),
            browser=request.cookies.get(BROWSER_COOKIE, ""),
            visit=visit_of(request),
        )
    except Invalid as error:
        return render(request, "accounts/sign_in.html.jinja", status=error.status, next=target, errors=error)
    return let_in(request, entry, target=target)
