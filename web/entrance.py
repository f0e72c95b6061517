"""What every way in leaves in the browser: the session, what binds a step to it, what knows it again."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from teleconsult.accounts.devices import remembering
from teleconsult.accounts.entering import Entry, FactorAwaited, Visit
from teleconsult.accounts.limits import account_hash
from teleconsult.accounts.models import SecretPurpose
from teleconsult.accounts.one_time import LIFETIME
from web.cookies import set_session
from web.requests import address_of, see_other, settings_of

YEAR: Final = 365 * 24 * 3600
DEVICE_COOKIE: Final = "device"
DEVICE_PATH: Final = "/sign-in"
"""Sent to the doors alone: on a thin line it would be felt elsewhere."""
STEPS: Final[Mapping[SecretPurpose, str]] = {
    SecretPurpose.SECOND_FACTOR: "/sign-in/second-factor",
    SecretPurpose.SIGN_IN_CODE: "/sign-in/code",
    SecretPurpose.PASSWORD_RESET: "/sign-in/reset",
    SecretPurpose.INVITATION: "/invitation",
}
"""Where a step stands that is bound to the browser, and so where its cookie is sent."""


def visit_of(request: web.Request) -> Visit:
    """From where this request comes."""
    return Visit(
        address=address_of(request),
        user_agent=request.headers.get("User-Agent", ""),
        device=request.cookies.get(DEVICE_COOKIE, ""),
    )


def bind(request: web.Request, response: web.Response, purpose: SecretPurpose, token: str) -> web.Response:
    """Have this browser hold what its step is bound to; returns the response."""
    response.set_cookie(
        purpose.value,
        token,
        path=STEPS[purpose],
        httponly=True,
        samesite="Lax",
        secure=settings_of(request).is_secure,
        max_age=int(LIFETIME[purpose].total_seconds()),
    )
    return response


def bound(request: web.Request, purpose: SecretPurpose) -> str:
    """What this browser holds for that step; empty where it has not begun."""
    return request.cookies.get(purpose.value, "")


def let_in(request: web.Request, entry: Entry, *, target: str, after: SecretPurpose | None = None) -> web.Response:
    """On to `target` with a session, or to the second factor. The step it came `after` is no longer bound."""
    settings = settings_of(request)
    if isinstance(entry, FactorAwaited):
        page = request.app.router["second_factor.form"].url_for().with_query(next=target)
        response = bind(request, see_other(page), SecretPurpose.SECOND_FACTOR, entry.browser)
    else:
        response = set_session(see_other(target), settings, entry.token)
        if request.path.startswith(DEVICE_PATH):
            remember_browser(request, response, email=entry.email)
    if after is not None:
        response.del_cookie(after.value, path=STEPS[after], secure=settings.is_secure)
    return response


def remember_browser(request: web.Request, response: web.Response, *, email: str) -> None:
    """Have this browser known again at that account's doors: strangers' wrong tries never keep it out."""
    settings = settings_of(request)
    known = remembering(settings, request.cookies.get(DEVICE_COOKIE, ""), whose=account_hash(settings, email))
    response.set_cookie(
        DEVICE_COOKIE,
        known,
        path=DEVICE_PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.is_secure,
        max_age=YEAR,
    )
