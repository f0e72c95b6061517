"""Who may open a socket, and how it ends with the sign-in."""

import aiohttp
import pytest
import socketio

from signaling.connection import CHECK_EVERY
from teleconsult.accounts.models import Account, WebSession
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole
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


async def test_a_bearer_token_needs_no_origin(site: LiveSite, token: str, booking: Booking) -> None:
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


@pytest.mark.parametrize("how", ["ended", "disabled", "left the house"])
async def test_a_session_that_ended_is_noticed_without_being_told(
    visit: VisitorMaker, booking: Booking, site: LiveSite, sessions: Sessions, cast: Cast, how: str
) -> None:
    rural = await visit("rural")
    await rural.join(booking.consult)
    (connection,) = site.live.room.connections.values()
    async with transaction(sessions) as session:
        if how == "ended":
            (await session.get_one(WebSession, connection.actor.session_id)).ended_at = now()
        elif how == "disabled":
            (await session.get_one(Account, cast.rural.account_id)).disabled_at = now()
        else:
            (await session.get_one(PractitionerRole, cast.rural.role_id)).ended_at = now()
    connection.checked_at -= CHECK_EVERY + 1
    await rural.send_raw('2/room,["media",{"audio":false,"video":false}]')
    assert (await rural.next("bye"))["reason"] == "signed-out"
    assert not site.live.room.connections


async def test_a_token_of_a_disabled_account_is_noticed(
    site: LiveSite, token: str, booking: Booking, sessions: Sessions, cast: Cast
) -> None:
    machine = Visitor(site.url, namespace="/room", headers={}, auth={"token": token})
    await machine.connect()
    async with transaction(sessions) as session:
        (await session.get_one(Account, cast.rural.account_id)).disabled_at = now()
    (connection,) = site.live.room.connections.values()
    connection.checked_at -= CHECK_EVERY + 1
    await machine.send_raw('2/room,["ice",{}]')
    assert (await machine.next("bye"))["reason"] == "signed-out"


async def test_the_handshake_offers_no_compression(site: LiveSite) -> None:
    async with aiohttp.ClientSession() as http:
        url = site.url + "/socket.io/?EIO=4&transport=websocket"
        async with http.ws_connect(url, headers={"Origin": site.url}, compress=15) as socket:
            assert socket.compress == 0
