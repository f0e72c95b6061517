"""Where a server process listens: https where it has a certificate, which may be renewed while it runs; and in the
clear, at a port of its own, the one page that somebody needs who does not trust that certificate yet.
"""

import asyncio
import signal
import ssl
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from teleconsult.settings import Settings
from web.requests import SETTINGS

EVERY: Final = 5.0
"""Seconds after which it is looked whether the certificate was renewed."""
IN_THE_CLEAR: Final = ("/trust/", "/static/")

log = structlog.get_logger(__name__)


class Certificate:
    """The server's, as it stands in its files now."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises OSError, ssl.SSLError."""
        self._files = certificate, key
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._seen = self._state()
        self.context.load_cert_chain(certificate, key)

    def _state(self) -> list[tuple[int, int]]:
        return [(found.st_mtime_ns, found.st_size) for found in (path.stat() for path in self._files)]

    def refresh(self) -> bool:
        """Take what is new, for connections from now on; whether there was anything. What does not fit is left."""
        try:
            state = self._state()
            if state == self._seen:
                return False
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*self._files)
            self.context.load_cert_chain(*self._files)
        except OSError as error:  # of which ssl.SSLError is one: half of the two is there yet
            log.warning("certificate.unreadable", error=type(error).__name__)
            return False
        self._seen = state
        log.info("certificate.renewed")
        return True

    async def keep_fresh(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await asyncio.to_thread(self.refresh)


@web.middleware
async def not_in_the_clear(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Where a port without TLS is open, it has the page that leads to trust, and the way to https."""
    settings = request.app[SETTINGS]
    is_open = request.path == "/trust" or request.path.startswith(IN_THE_CLEAR)
    if settings.trust_port is None or request.secure or is_open:
        return await handler(request)
    if request.method not in ("GET", "HEAD"):
        return web.Response(status=403)
    return web.Response(status=308, headers={"Location": f"{settings.base_url}{request.rel_url.raw_path_qs}"})


async def serve(app: web.Application) -> None:
    """Until SIGINT or SIGTERM; then those who are connected are told to go on elsewhere."""
    settings, stopped = app[SETTINGS], asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    certificate = _certificate_of(settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5, handler_cancellation=True)
    await runner.setup()
    fresh = asyncio.create_task(certificate.keep_fresh()) if certificate else None
    try:
        context = certificate.context if certificate else None
        await web.TCPSite(runner, settings.host, settings.port, ssl_context=context).start()
        if settings.trust_port is not None:
            await web.TCPSite(runner, settings.host, settings.trust_port).start()
        await stopped.wait()
    finally:
        if fresh:
            fresh.cancel()
        await runner.cleanup()


def _certificate_of(settings: Settings) -> Certificate | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_cert, settings.tls_key)
