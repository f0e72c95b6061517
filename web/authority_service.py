"""`teleconsult authority`: the demonstration's certificate authority, answering on this machine alone.

Started by `run --demo`, so that its notes are time-stamped and checked without the internet. Never for real patients:
who reads this data folder can issue any certificate and stamp any time.
"""

import asyncio
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from teleconsult.clock import now
from teleconsult.notes.authority import Authority, address_in, open_authority
from teleconsult.notes.authority_answers import (
    Clock,
    answer_ocsp,
    answer_time_stamp,
    open_clock,
    revocation_list,
    revoked_in,
)
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings, SettingsError

QUESTION_LIMIT: Final = 16 * 1024
AUTHORITY: Final = web.AppKey("authority", Authority)
CLOCK: Final = web.AppKey("clock", Clock)
SETTINGS: Final = web.AppKey("settings", Settings)


def answer(settings: Settings) -> int:
    """Answer until told to stop."""
    address = address_in(settings.data)
    if not address:
        raise SettingsError("This data folder has no authority of its own; `run --demo` gives it one.")
    parts = urlsplit(address)
    web.run_app(make_authority_app(settings), host=parts.hostname, port=parts.port, access_log=None, print=None)
    return 0


def make_authority_app(settings: Settings) -> web.Application:
    """Its three doors: OCSP (RFC 6960), the revocation list, time-stamps (RFC 3161)."""
    sealer = Sealer(settings.secret_key)
    authority = open_authority(settings.data, sealer, at=now())
    app = web.Application(client_max_size=QUESTION_LIMIT)
    app[AUTHORITY], app[SETTINGS] = authority, settings
    app[CLOCK] = open_clock(settings.data, sealer, authority)
    app.router.add_post("/ocsp", _ocsp)
    app.router.add_get("/crl", _crl)
    app.router.add_post("/time-stamp", _time_stamp)
    return app


async def _ocsp(request: web.Request) -> web.Response:
    revoked = await asyncio.to_thread(revoked_in, request.app[SETTINGS].data)
    said = answer_ocsp(request.app[AUTHORITY], await request.read(), revoked, at=now() - timedelta(seconds=1))
    return web.Response(body=said, content_type="application/ocsp-response")


async def _crl(request: web.Request) -> web.Response:
    revoked = await asyncio.to_thread(revoked_in, request.app[SETTINGS].data)
    said = revocation_list(request.app[AUTHORITY], revoked, at=now() - timedelta(seconds=1))
    return web.Response(body=said, content_type="application/pkix-crl")


async def _time_stamp(request: web.Request) -> web.Response:
    said = answer_time_stamp(request.app[CLOCK], await request.read(), at=now())
    return web.Response(body=said, content_type="application/timestamp-reply")
