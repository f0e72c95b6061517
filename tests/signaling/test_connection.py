"""Who may open a socket, and how it ends with the sign-in."""

import aiohttp
import pytest
import socketio

from signaling.connection import MOST_PER_ACCOUNT
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.people import Cast, bearer_of
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite, VisitorMaker
from tests.signaling.visitors import Visitor

REFUSED = socketio.exceptions.ConnectionError


@pytest.fixture
async def token(sessions: Sessions, settings: Settings, cast: Cast) -> str:
    """A bearer token of the rural doctor's."""
    async with transaction(sessions) as session:
        return await bearer_of(session, cast.rural)


async def test_a_bearer_token_needs_no_origin(site: LiveSite, booking: Booking, token: str) -> None:
    machine = Visitor(site.url, namespace="/room", headers={}, auth={"token": token})
    await machine.connect()
    assert (await machine.join(booking.consult))["state"] == "waiting"
    await machine.close()


@pytest.mark.parametrize(
    "auth",
    [{"token": "x"}, {"token": 7}, {"token": "x" * 5000}, {"token": "x", "more": 1}, {"cookie": "x"}, ["x"], "x"],
)
async def test_anything_but_a_good_token_is_refused(site: LiveSite, visit: VisitorMaker, auth: object) -> None:
    visitor = await visit("rural", connect=False)  # the good cookie it has does not help
    visitor.auth = auth
    with pytest.raises(REFUSED):
        await visitor.connect()


@pytest.mark.parametrize("namespace", ["/room", "/worklist"])
async def test_no_cookie_no_socket(site: LiveSite, namespace: str) -> None:
    for headers in ({"Origin": site.url}, {"Origin": site.url, "Cookie": "session=guessed"}, {}):
        with pytest.raises(REFUSED):
            await Visitor(site.url, namespace=namespace, headers=headers).connect()


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_cookie_speaks_only_from_our_own_pages(visit: VisitorMaker, origin: str | None) -> None:
    visitor = await visit("rural", connect=False)
    del visitor.headers["Origin"]
    if origin is not None:
        visitor.headers["Origin"] = origin
    for transport in ("websocket", "polling"):
        with pytest.raises(REFUSED):
            await visitor.connect(transports=(transport,))


async def test_long_polling_works_too(visit: VisitorMaker, booking: Booking) -> None:
    visitor = await visit("rural", connect=False)
    del visitor.headers["Origin"]  # browsers send none with a GET to their own origin
    visitor.headers["Sec-Fetch-Site"] = "same-origin"
    await visitor.connect(transports=("polling",))
    assert (await visitor.join(booking.consult))["state"] == "waiting"


async def test_the_default_namespace_is_nobodys(visit: VisitorMaker) -> None:
    visitor = await visit("rural", "/", connect=False)
    with pytest.raises(REFUSED):
        await visitor.connect()


async def test_an_account_has_twenty_sockets_at_a_time(visit: VisitorMaker, site: LiveSite) -> None:
    for _ in range(MOST_PER_ACCOUNT):
        await visit("rural", "/worklist")
    one_more = await visit("rural", "/worklist", connect=False)
    with pytest.raises(REFUSED):
        await one_more.connect()
    await visit("colleague", "/worklist")
    (first, *_rest) = site.live.worklist.connections
    await site.live.worklist.disconnect(first)
    await visit("rural", "/worklist")


async def test_the_handshake_offers_no_compression(site: LiveSite) -> None:
    async with aiohttp.ClientSession() as http:
        url = site.url + "/socket.io/?EIO=4&transport=websocket"
        async with http.ws_connect(url, headers={"Origin": site.url}, compress=15) as socket:
            assert socket.compress == 0
