"""Forged requests: every non-GET that a cookie authenticates carries a token made from that very cookie.

The token on a page is masked anew each time, so that compression tells nothing of it (BREACH).
"""

import base64
import hmac
import secrets

from aiohttp import web
from yarl import URL

from teleconsult.errors import Forbidden
from teleconsult.sealing import derived_key
from teleconsult.settings import Settings
from web.bodies import is_form, read_form
from web.cookies import own_path
from web.requests import CSRF_PENDING, is_marked

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SIZE = 32


def token_for(settings: Settings, cookie: str) -> str:
    """A masked token for the holder of `cookie`; different each time, always good."""
    mask = secrets.token_bytes(SIZE)
    return base64.urlsafe_b64encode(mask + _xor(mask, _secret(settings, cookie))).decode()


def is_token(settings: Settings, cookie: str, token: str) -> bool:
    """Whether `token` was made for the holder of `cookie`."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii"))
    except ValueError:
        return False
    if len(raw) != 2 * SIZE:
        return False
    return hmac.compare_digest(_xor(raw[:SIZE], raw[SIZE:]), _secret(settings, cookie))


def check_origin(request: web.Request, settings: Settings) -> None:
    """Raise Forbidden where a browser says that another site's page sent this (RFC 6454 §7)."""
    origin = request.headers.get("Origin")
    if origin is not None and origin not in settings.allowed_origins and origin != own_origin(request):
        raise _forged()


async def check(request: web.Request, settings: Settings, cookie: str) -> None:
    """Raise Forbidden unless the request carries a token of its own cookie.

    The body of a view marked `takes_files` is not read here: it calls `check_field` with the first part, or the
    header is used.
    """
    token = request.headers.get(HEADER)
    if token is None and is_marked(request, "takes_files") and request.content_type == "multipart/form-data":
        request[CSRF_PENDING] = cookie
        return
    if token is None:
        token = (await read_form(request)).get(FIELD, "") if is_form(request) else ""
    if not is_token(settings, cookie, token):
        raise _forged()


def check_field(request: web.Request, settings: Settings, token: str) -> None:
    """For multipart views: the token found in the body. Does nothing where the header was good already."""
    cookie = request.get(CSRF_PENDING)
    if isinstance(cookie, str) and not is_token(settings, cookie, token):
        raise _forged()
    request[CSRF_PENDING] = None


def own_origin(request: web.Request) -> str:
    """The origin this request was sent to, as its Host header says."""
    return f"{request.scheme}://{request.host}"


def came_from(request: web.Request) -> str | None:
    """The page of ours whose form or link led here, as a path; None where it is this very page or another site's."""
    try:
        referer = URL(request.headers.get("Referer", ""))
        origin = str(referer.origin())
    except ValueError:  # none, or no address of the web
        return None
    if origin != own_origin(request):
        return None
    if request.method == "GET" and referer.path == request.path:
        return None
    return own_path(referer.raw_path_qs)


def _forged() -> Forbidden:
    return Forbidden("This page is out of date. Reload it and try again.")


def _secret(settings: Settings, cookie: str) -> bytes:
    return hmac.digest(derived_key(settings.secret_key, "csrf"), cookie.encode(), "sha256")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
