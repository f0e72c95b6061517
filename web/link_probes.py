"""Where browsers measure their link against this server: connections that end by themselves, and bytes to fetch."""

import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable
from functools import partial
from typing import Final

from aiohttp import web

from signaling.allowance import Allowance
from signaling.media.forwarder import Forwarder, Reach
from signaling.media.probe import Probes
from teleconsult.errors import TooMany
from web.requests import SETTINGS

PROBES: Final = web.AppKey("probes", Probes)
_ALLOWANCES: Final = web.AppKey("probe_allowances", OrderedDict[Hashable, Allowance])
MOST_KNOWN: Final = 2_000
STREAMED_FOR: Final = 3.0
"""Seconds bytes are sent for: long enough for TCP to find what the line carries."""
STREAMED: Final = 4 * 1024 * 1024
"""Bytes sent at the most: what a line of 10 Mbit/s takes in that time."""
_CHUNK: Final = os.urandom(16 * 1024)
"""What no proxy compresses."""


def add_probes(app: web.Application) -> None:
    """Give the application its probes, and end them with it."""
    app[PROBES] = probes = Probes(make_forwarder=partial(Forwarder, reach=Reach.of(app[SETTINGS])))
    app[_ALLOWANCES] = OrderedDict()

    async def probing(_app: web.Application) -> AsyncIterator[None]:
        yield
        await probes.close()

    app.cleanup_ctx.append(probing)


def spend(app: web.Application, whose: Hashable) -> None:
    """Count one connection or fetch of somebody's. Raises TooMany beyond some checks a minute."""
    known = app[_ALLOWANCES]
    allowance = known.setdefault(whose, Allowance(a_second=0.2, burst=30))
    known.move_to_end(whose)
    while len(known) > MOST_KNOWN:
        known.popitem(last=False)
    if allowance.take() < 0:
        raise TooMany("Too many checks at once. Try again in a minute.", retry_after=60)


async def stream(request: web.Request) -> web.StreamResponse:
    """Bytes as fast as the line takes them, until the time or the measure is full."""
    response = web.StreamResponse(
        headers={"Content-Type": "application/octet-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    end, sent = time.monotonic() + STREAMED_FOR, 0
    while sent < STREAMED and time.monotonic() < end:
        await response.write(_CHUNK)
        sent += len(_CHUNK)
    await response.write_eof()
    return response
