"""What somebody had typed when they were asked who they are: kept in a sealed cookie, and shown again in its form.

A form that asks for a fresh factor (`StepUpNeeded`) leads away and back. Its words may speak of a patient: they are
sealed (AES-256-GCM), go to no other page than the form's, to no other session than the one they were typed in, and
are shown once.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from yarl import URL

from teleconsult.clock import now
from teleconsult.sealing import SealBroken, Sealer
from web.requests import FORM, settings_of, visitor_of

COOKIE: Final = "kept-form"
LIFETIME_SECONDS: Final = 300
_LIMIT_BYTES: Final = 3800
"""What is longer no browser keeps: it has to be typed again."""
_SECRET: Final = re.compile("password|passkey|code|token|secret")
"""What proves who somebody is, and is never kept."""


def keep_form(request: web.Request, response: web.Response, *, page: str) -> None:
    """Keep the fields that were sent for the `page` (its path and query) that the form stands on."""
    fields = {name: value for name, value in request.get(FORM, {}).items() if not _SECRET.search(name)}
    actor = visitor_of(request)
    if not fields or actor is None or actor.session_id is None:
        return
    content = json.dumps([str(actor.session_id), page, fields, now().timestamp()], ensure_ascii=False).encode()
    sealed = base64.urlsafe_b64encode(_sealer(request).seal(content)).decode()
    if len(sealed) <= _LIMIT_BYTES:
        response.set_cookie(
            COOKIE,
            sealed,
            max_age=LIFETIME_SECONDS,
            path=_path_of(page),
            httponly=True,
            samesite="Lax",
            secure=settings_of(request).is_secure,
        )


def kept_fields(request: web.Request) -> Mapping[str, str]:
    """What was typed on this very page, in the session that looks at it now; nothing where that is not so.

    A session that proves itself anew stays the same one, under another token (`accounts.sessions.renew_session`).
    """
    cookie, actor = request.cookies.get(COOKIE), visitor_of(request)
    if not cookie or actor is None or request.method != "GET":
        return {}
    try:
        content = _sealer(request).open(base64.urlsafe_b64decode(cookie))
    except (SealBroken, binascii.Error, ValueError):
        return {}
    typed_in, page, fields, kept_at = json.loads(content)
    is_theirs = typed_in == str(actor.session_id) and page == request.rel_url.raw_path_qs
    return dict(fields) if is_theirs and now().timestamp() < kept_at + LIFETIME_SECONDS else {}


def forget_form(request: web.Request, response: web.Response) -> None:
    """It was shown."""
    response.del_cookie(COOKIE, path=request.rel_url.raw_path)


def _path_of(page: str) -> str:
    """Where the cookie goes: a semicolon would begin another attribute of it (RFC 6265 §4.1.1)."""
    return URL(page).raw_path.replace(";", "%3B")


def _sealer(request: web.Request) -> Sealer:
    return Sealer(settings_of(request).secret_key, "kept forms")
