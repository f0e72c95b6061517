"""The application: the only place that knows everyone. Parts stand under typed keys and are closed with it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from signaling.doorman import Cookies
from signaling.live import Live
from teleconsult import events, jobs
from teleconsult.accounts.bearer_door import BearerDoor
from teleconsult.accounts.oidc import Provider
from teleconsult.db import make_engine, make_sessions
from teleconsult.documents.press import Press
from teleconsult.documents.printer import Printer
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.renditions import Renditions
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.notes.verifying_apart import Checker
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from web.api.kept_answers import KeptAnswers
from web.captures import add_studio
from web.cookies import guest_cookie, session_cookie
from web.foreign_viewers import allow_viewers
from web.kept_uploads import KeptUploads, swept
from web.lately import Lately
from web.link_probes import add_probes
from web.looks import Looks
from web.middlewares import MIDDLEWARES, add_security_headers
from web.pulse import add_pulse
from web.rendering import setup_rendering
from web.requests import (
    BEARERS,
    CHECKER,
    KEPT_ANSWERS,
    KEPT_UPLOADS,
    LATELY,
    LOOKS,
    OBJECTS,
    PRESS,
    PRESSES,
    PRINTER,
    PROVIDER,
    RECEIVER,
    RENDITIONS,
    SANDBOX,
    SEALER,
    SESSIONS,
    SETTINGS,
    address_of,
)
from web.routes import add_routes
from web.statics import add_statics
from web.tus import add_version
from web.uploads import sweep_uploads

MIB = 1024 * 1024


AT_ONCE: Final = 4
"""Acts at the same moment by which somebody is rung; more wait for their turn."""


def make_app(settings: Settings, engine: AsyncEngine | None = None) -> web.Application:
    """The whole site. `settings.database_url` must be set; nothing connects before start-up.

    An `engine` that is given is shared, and left open at the end.
    """
    assert settings.database_url is not None
    at_work = engine or make_engine(settings.database_url)
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=MIB)
    app[SETTINGS] = settings
    app[SESSIONS] = make_sessions(at_work)
    app[OBJECTS] = Objects(open_store(settings.objects_url, settings.data))
    app[BEARERS] = BearerDoor(settings, app[SESSIONS])
    app[PROVIDER] = provider = Provider(settings) if settings.oidc_issuer else None
    app[SEALER] = Sealer(settings.secret_key)
    app[SANDBOX] = sandbox = Sandbox()
    app[RECEIVER] = Receiver(
        sessions=app[SESSIONS], objects=app[OBJECTS], sandbox=sandbox, file_limit=settings.upload_file_limit
    )
    app[RENDITIONS] = Renditions(sandbox=sandbox, objects=app[OBJECTS], folder=settings.data / "cache" / "originals")
    app[LATELY] = lately = Lately()
    app[LOOKS] = Looks()
    app[PRESSES] = asyncio.Semaphore(AT_ONCE)
    app[KEPT_ANSWERS] = KeptAnswers()
    app[PRESS] = press = Press()
    app[PRINTER] = Printer()
    app[KEPT_UPLOADS] = kept_uploads = KeptUploads(settings.data)
    app[CHECKER] = Checker(settings.trust_folder)
    for add in (add_pulse, add_studio, add_probes, setup_rendering, add_statics, add_routes):
        add(app)
    app.on_response_prepare.extend((add_security_headers, add_version, allow_viewers))
    live = Live(
        settings,
        app[SESSIONS],
        cookies=Cookies(session_cookie(secure=settings.is_secure), guest_cookie(secure=settings.is_secure)),
        bearers=app[BEARERS],
        address_of=address_of,
    )
    live.attach(app)

    async def database(_app: web.Application) -> AsyncIterator[None]:
        async with jobs.connected(settings.database_url or ""):
            yield
        if engine is None:
            await at_work.dispose()

    async def hear(event: events.Event) -> None:
        lately.forget()
        await live.hear(event)

    async def live_sessions(_app: web.Application) -> AsyncIterator[None]:
        async with (
            events.listening(settings.database_url or "", hear),
            events.listening(settings.database_url or "", live.ring, channel=events.URGENT),
            live.watching(),
        ):
            yield
        await live.close()

    async def workers(_app: web.Application) -> AsyncIterator[None]:
        await asyncio.to_thread(sweep_uploads, settings.data)
        async with swept(kept_uploads):
            yield
        await sandbox.close()
        press.close()
        if provider is not None:
            await provider.close()

    async def move(_app: web.Application) -> None:
        await live.move()

    app.on_shutdown.append(move)
    app.cleanup_ctx.extend((database, live_sessions, workers))
    return app
