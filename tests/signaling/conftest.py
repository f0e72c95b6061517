"""A live server on a free port, and visitors who signed in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from signaling.live import Live
from teleconsult.accounts import sign_in
from teleconsult.db import Sessions
from teleconsult.events import listening
from teleconsult.settings import Settings
from tests.people import PASSWORD, Cast
from tests.signaling.booking import Booking, book
from tests.signaling.visitors import Visitor

COOKIE = "session"


@dataclass
class LiveSite:
    """A running server."""

    url: str
    live: Live


@pytest.fixture
async def booking(sessions: Sessions, cast: Cast) -> Booking:
    """A booked consult, committed."""
    return await book(cast, sessions)


@pytest.fixture
async def site(settings: Settings, sessions: Sessions) -> AsyncIterator[LiveSite]:
    """The live part alone, with the events of the database."""
    url = f"http://127.0.0.1:{unused_port()}"
    live = Live(settings.model_copy(update={"public_url": url}), sessions, cookie_name=COOKIE)
    app = web.Application()
    live.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(url.rsplit(":", 1)[1])).start()
    assert settings.database_url
    async with listening(settings.database_url, live.hear):
        yield LiveSite(url, live)
    await live.close()
    await runner.cleanup()


VisitorMaker = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def visit(site: LiveSite, settings: Settings, sessions: Sessions, cast: Cast) -> AsyncIterator[VisitorMaker]:
    """`await visit("rural")`: that person signs in and connects to `/room` (or another namespace)."""
    visitors: list[Visitor] = []
    cookies: dict[str, str] = {}

    async def _visit(who: str, namespace: str = "/room", *, connect: bool = True, new_session: bool = False) -> Visitor:
        if who not in cookies or new_session:
            _, cookies[who] = await sign_in(
                sessions, settings, email=cast.emails[who], password=PASSWORD, address="127.0.0.1"
            )
        headers = {"Cookie": f"{COOKIE}={cookies[who]}", "Origin": site.url}
        visitor = Visitor(site.url, namespace=namespace, headers=headers)
        visitors.append(visitor)
        if connect:
            await visitor.connect()
        return visitor

    yield _visit
    for visitor in visitors:
        await visitor.close()
