"""A live server on a free port, and visitors who signed in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from sqlalchemy.orm import joinedload

from signaling import watch
from signaling.doorman import Cookies
from signaling.live import Live
from teleconsult.accounts import Actor
from teleconsult.accounts.bearer_door import BearerDoor
from teleconsult.accounts.models import Account
from teleconsult.accounts.sessions import open_session
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole
from teleconsult.events import listening, tell
from teleconsult.imaging.models import ImagingStudy
from teleconsult.settings import Settings
from tests.kept_rows import KeptRows
from tests.people import Cast
from tests.signaling.booking import Booking, book
from tests.signaling.changes import Change
from tests.signaling.table import Table
from tests.signaling.visitors import Visitor, VisitorMaker
from tests.teleconsult.imaging.shared import shared_study

COOKIES = Cookies(session="session", guest="guest")


@dataclass
class LiveSite:
    """A running server."""

    url: str
    live: Live


@pytest.fixture
async def booking(sessions: Sessions, cast: Cast, kept_rows: KeptRows) -> Booking:
    """A booked consult, committed."""
    return await kept_rows.begin("booking", lambda: book(cast, sessions), seconds=60)


@pytest.fixture
def resting_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch over the sockets looks only when it is told to, never by itself."""
    monkeypatch.setattr(watch, "EVERY", 3600.0)


@pytest.fixture
async def site(settings: Settings, sessions: Sessions) -> AsyncIterator[LiveSite]:
    """The live part alone, with the events of the database."""
    url = f"http://127.0.0.1:{unused_port()}"
    own = settings.model_copy(update={"public_url": url})
    live = Live(
        own,
        sessions,
        cookies=COOKIES,
        bearers=BearerDoor(own, sessions),
        address_of=lambda request: request.remote or "",
    )
    app = web.Application()
    live.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(url.rsplit(":", 1)[1])).start()
    assert settings.database_url
    async with listening(settings.database_url, live.hear), live.watching():
        yield LiveSite(url, live)
    await live.close()
    await runner.cleanup()


async def cookie_of(sessions: Sessions, settings: Settings, actor: Actor) -> str:
    """The token of a new session of that person's."""
    return (await _signed_in(sessions, settings, actor))[1]


async def actor_in_session(sessions: Sessions, settings: Settings, actor: Actor) -> Actor:
    """That person in a new session."""
    return (await _signed_in(sessions, settings, actor))[0]


async def _signed_in(sessions: Sessions, settings: Settings, actor: Actor) -> tuple[Actor, str]:
    async with transaction(sessions) as session:
        account = await session.get_one(Account, actor.account_id)
        options = [joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)]
        role = await session.get_one(PractitionerRole, actor.role_id, options=options)
        return open_session(session, settings, account, role, methods="pwd", address="127.0.0.1")


@pytest.fixture
async def visit(site: LiveSite, settings: Settings, sessions: Sessions, cast: Cast) -> AsyncIterator[VisitorMaker]:
    """`await visit("rural")`: that person signs in and connects to `/room` (or another namespace)."""
    visitors: list[Visitor] = []
    cookies: dict[str, str] = {}

    async def _visit(who: str, namespace: str = "/room", *, connect: bool = True, new_session: bool = False) -> Visitor:
        if who not in cookies or new_session:
            cookies[who] = await cookie_of(sessions, settings, getattr(cast, who))
        headers = {"Cookie": f"{COOKIES.session}={cookies[who]}", "Origin": site.url}
        visitor = Visitor(site.url, namespace=namespace, headers=headers)
        visitors.append(visitor)
        if connect:
            await visitor.connect()
        return visitor

    yield _visit
    for visitor in visitors:
        await visitor.close()


@pytest.fixture
async def study(sessions: Sessions, booking: Booking) -> ImagingStudy:
    """Shared by the booked consult."""
    return await shared_study(sessions, booking.consult)


@pytest.fixture
async def table(visit: VisitorMaker, booking: Booking, study: ImagingStudy) -> Table:
    """Where the two look at it."""
    return Table(visit, booking.consult, study.id)


Changer = Callable[..., Awaitable[None]]


@pytest.fixture
def change(site: LiveSite, sessions: Sessions, cast: Cast, booking: Booking) -> Changer:
    """`await change(how, told=True)`: make the change, and say so or leave it to the watch's next look."""

    async def make(how: Change, *, told: bool) -> None:
        async with transaction(sessions) as session:
            concerned = await how(session, cast, booking)
            if told:
                await tell(session, "AccessChanged", **concerned)
        if not told:
            await site.live.watch.look()

    return make
