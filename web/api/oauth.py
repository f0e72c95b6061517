"""Tokens for systems: `POST /oauth/token`, and what tells them of it (RFC 6749 §5, SMART App Launch 2.2)."""

from typing import Final

from aiohttp import web

from teleconsult.errors import Invalid, TooLarge, TooMany
from teleconsult.systems.granting import NotGranted, TokenDesk
from teleconsult.systems.offering import smart_configuration
from web.bodies import hold_body, read_form
from web.requests import address_of, own_transactions, sealer_of, sessions_of, settings_of

LARGEST: Final = 32 * 1024
KEPT_BY_NOBODY: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@own_transactions
async def token(request: web.Request) -> web.StreamResponse:
    """A token for a system that proves itself by an assertion; an error in RFC 6749's own words."""
    if "Authorization" in request.headers:
        return _refused("invalid_client", "A system proves itself by an assertion alone.", status=401)
    desk = TokenDesk(settings_of(request), sessions_of(request), sealer_of(request))
    try:
        await hold_body(request, limit=LARGEST)
        form = await read_form(request)
        granted = await desk.grant(list(form.items()), address=address_of(request))
    except NotGranted as refused:
        return _refused(refused.code, refused.message, status=refused.status)
    except TooMany as refused:
        answer = _refused("temporarily_unavailable", "Too many attempts. Try again later.", status=refused.status)
        answer.headers["Retry-After"] = str(refused.retry_after)
        return answer
    except (Invalid, TooLarge) as refused:
        return _refused(
            "invalid_request",
            "Send a form of type application/x-www-form-urlencoded, 32 KiB at most.",
            status=413 if isinstance(refused, TooLarge) else 400,
        )
    content = {
        "access_token": granted.token,
        "token_type": "bearer",
        "expires_in": granted.seconds,
        "scope": granted.scope,
    }
    return web.json_response(content, headers=KEPT_BY_NOBODY)


async def configuration(request: web.Request) -> web.StreamResponse:
    """`GET /fhir/.well-known/smart-configuration`: before anybody has signed in."""
    return web.json_response(smart_configuration(server=settings_of(request).base_url))


def _refused(code: str, message: str, *, status: int) -> web.Response:
    """RFC 6749 §5.2. A 401 names the scheme it wants, though none of HTTP's own proves a system here."""
    headers = KEPT_BY_NOBODY | ({"WWW-Authenticate": 'Bearer realm="teleconsult"'} if status == 401 else {})
    content = {"error": code, "error_description": message}
    return web.json_response(content, status=status, headers=headers)
