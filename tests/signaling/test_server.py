"""The server itself against clients that mean no good: raw packets on a real WebSocket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from signaling.allowance import BURST, Allowance
from signaling.server import MAX_PACKET
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite, VisitorMaker


@contextlib.asynccontextmanager
async def raw_socket(site: LiveSite, cookie: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket admitted to `/room`, speaking Engine.IO by hand."""
    headers = {"Origin": site.url, "Cookie": cookie}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(site.url + "/socket.io/?EIO=4&transport=websocket", headers=headers) as socket,
    ):
        assert (await socket.receive_str()).startswith("0{")
        await socket.send_str("40/room,")
        assert (await socket.receive_str()).startswith("40/room,{")
        yield socket


async def ending(socket: aiohttp.ClientWebSocketResponse) -> bool:
    """Whether the server hangs up soon."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            async for _ in socket:
                pass
            return True
    return False


@pytest.mark.parametrize(
    "packet",
    [
        '42/room,["media",{"audio":NaN,"video":true}]',
        '42/room,["media",{"audio":Infinity}]',
        '42/room,["chat",{"text":"\\ud800"}]',
        '42/room,["join",' + "[" * 5000 + "]" * 5000 + "]",
        "42/room,{",
        '42/room,["join"',
        '451-/room,["chat",{"_placeholder":true,"num":0}]',
        "461-/room,1[]",
        "43/room,1[]",
        "44/room,{}",
        "49",
        '4["join"]',
        "4{}",
        "4",
        "42" + "9" * 200 + '["join"]',
    ],
)
async def test_odd_packets_end_the_connection(site: LiveSite, visit: VisitorMaker, packet: str) -> None:
    cookie = (await visit("rural", connect=False)).headers["Cookie"]
    async with raw_socket(site, cookie) as socket:
        await socket.send_str(packet)
        assert await ending(socket)
    assert not site.live.room.connections


async def test_binary_ends_the_connection(site: LiveSite, visit: VisitorMaker) -> None:
    cookie = (await visit("rural", connect=False)).headers["Cookie"]
    async with raw_socket(site, cookie) as socket:
        await socket.send_bytes(b"\x00\x01")
        assert await ending(socket)


async def test_a_packet_over_the_limit_ends_the_connection(site: LiveSite, visit: VisitorMaker) -> None:
    cookie = (await visit("rural", connect=False)).headers["Cookie"]
    async with raw_socket(site, cookie) as socket:
        await socket.send_str('42/room,["chat","' + "x" * MAX_PACKET + '"]')
        assert await ending(socket)


async def test_an_oversized_post_is_refused(site: LiveSite) -> None:
    async with aiohttp.ClientSession(headers={"Origin": site.url}) as http:
        address = site.url + "/socket.io/?EIO=4&transport=polling"
        async with http.get(address) as opening:
            sid = (await opening.text()).split('"sid":"')[1].split('"')[0]
        async with http.post(f"{address}&sid={sid}", data="4" + "x" * MAX_PACKET) as answer:
            assert answer.status == 400


async def test_who_floods_is_hung_up_on_and_nobody_else(site: LiveSite, visit: VisitorMaker, booking: Booking) -> None:
    specialist = await visit("specialist")
    await specialist.join(booking.consult)
    cookie = (await visit("rural", connect=False)).headers["Cookie"]
    async with raw_socket(site, cookie) as socket:
        with contextlib.suppress(ConnectionError):
            for _ in range(BURST * 50):  # more than is given back while a slow machine sends them
                await socket.send_str('42/room,["media",{"audio":true,"video":true}]')
        assert await ending(socket)
    assert (await specialist.ask("media", {"audio": True, "video": True})) == {"ok": "yes"}


def test_an_allowance_fills_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 100.0
    monkeypatch.setattr("signaling.allowance.time.monotonic", lambda: moment)
    allowance = Allowance()
    assert all(allowance.take() >= 0 for _ in range(BURST))
    assert allowance.take() < 0
    moment += 1
    assert allowance.take() >= 0
