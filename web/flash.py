"""A sentence that survives one redirect, in a short signed cookie.

A view says `flash(request, _("The request was sent."))` and returns its 303; the next whole page shows it.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from teleconsult.sealing import derived_key
from web.requests import frame_of, settings_of

Tone = Literal["ok", "info", "warn", "danger"]

COOKIE: Final = "flash"
LIFETIME_SECONDS: Final = 60
_LIMIT_BYTES: Final = 3000
_TONES: Final = ("ok", "info", "warn", "danger")


@dataclass(frozen=True, slots=True)
class Flash:
    """One sentence and how it is meant."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with HMAC-SHA-256 (RFC 2104), so that nobody else can put words on our pages."""

    key: bytes

    def seal(self, flashes: list[Flash]) -> str:
        """The cookie's value."""
        body = base64.urlsafe_b64encode(json.dumps([[item.text, item.tone] for item in flashes]).encode())
        return f"{body.decode()}.{self._signature(body)}"

    def open(self, value: str) -> list[Flash]:
        """What a cookie says; nothing at all where it is not ours."""
        body, _, signature = value.partition(".")
        if not value.isascii() or not hmac.compare_digest(self._signature(body.encode()), signature):
            return []
        try:
            pairs = json.loads(base64.urlsafe_b64decode(body))
        except (binascii.Error, ValueError):
            return []
        return [Flash(text, tone) for text, tone in pairs if tone in _TONES]

    def _signature(self, body: bytes) -> str:
        return hmac.new(self.key, body, hashlib.sha256).hexdigest()


FLASHES: Final = web.RequestKey("flashes", list[Flash])
SAID: Final = web.RequestKey("flash_said", bool)


def flash(request: web.Request, text: str, tone: Tone = "ok") -> None:
    """Have the next page of this browser say something once."""
    request[FLASHES] = [*request.get(FLASHES, []), Flash(text, tone)]


def take(request: web.Request) -> list[Flash]:
    """What is to be said now. A part of a page (`Turbo-Frame`) leaves it for the whole page that follows."""
    if frame_of(request):
        return []
    said: list[Flash] = request.get(FLASHES, [])
    request[FLASHES] = []
    cookie = request.cookies.get(COOKIE)
    if cookie:
        request[SAID] = True
        return _signer(request).open(cookie) + said
    return said


def _signer(request: web.Request) -> Signer:
    return Signer(derived_key(settings_of(request).secret_key, "flash"))


@web.middleware
async def keep_flashes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write the cookie with what is still to be said, or clear it once it was said.

    A middleware and not a signal: aiohttp writes cookies into the headers before its signals run.
    """
    response = await handler(request)
    if response.prepared:
        return response
    waiting = request.get(FLASHES, [])
    if waiting:
        signer = _signer(request)
        value = signer.seal(waiting)
        while len(value) > _LIMIT_BYTES and waiting:
            waiting = waiting[1:]
            value = signer.seal(waiting)
        secure = settings_of(request).is_secure
        response.set_cookie(
            COOKIE, value, max_age=LIFETIME_SECONDS, path="/", httponly=True, samesite="Lax", secure=secure
        )
    elif request.get(SAID):
        response.del_cookie(COOKIE, path="/")
    return response
