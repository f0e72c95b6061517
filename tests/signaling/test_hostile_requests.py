"""What a client may ask over HTTP (Engine.IO 4: long polling, and the way from there to a WebSocket), and what it gets;
whoever else is there notices nothing.
"""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from signaling.allowance import BURST
from signaling.server import MAX_PACKET
from tests.signaling.wild import HELLO, Server, Wild, serving

POLLING = "/socket.io/?EIO=4&transport=polling"
SEPARATOR = "\x1e"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    """One for all."""
    async with serving(ping_interval=3600) as one:
        yield one


@pytest.fixture
async def http(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser on a page of ours."""
    async with aiohttp.ClientSession(server.url, headers={"Origin": server.url}) as session:
        yield session


async def opened(http: aiohttp.ClientSession) -> str:
    """The address of a new line by long polling."""
    async with http.get(POLLING) as answer:
        return POLLING + "&sid=" + (await answer.text()).split('"sid":"')[1].split('"')[0]


async def post(http: aiohttp.ClientSession, address: str, body: bytes | str) -> int:
    """Send it; the answer's status."""
    async with http.post(address, data=body) as answer:
        return answer.status


async def poll(http: aiohttp.ClientSession, address: str) -> tuple[int, str]:
    """What waits there."""
    async with http.get(address) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/socket.io/", 400),
        ("GET", "/socket.io/?EIO=3&transport=polling", 400),
        ("GET", "/socket.io/?EIO=4&EIO=3&transport=polling", 400),
        ("GET", "/socket.io/?EIO=4&transport=carrier-pigeon", 400),
        ("GET", "/socket.io/?EIO=4&transport=websocket", 400),
        ("GET", f"{POLLING}&sid=guessed", 400),
        ("GET", f"{POLLING}&sid=%00", 400),
        ("GET", f"{POLLING}&j=0);alert(1", 400),
        ("POST", POLLING, 400),
        ("POST", f"{POLLING}&sid=guessed", 400),
        ("PUT", POLLING, 405),
        ("DELETE", POLLING, 405),
        ("OPTIONS", POLLING, 200),
    ],
)
async def test_an_odd_request(
    server: Server, http: aiohttp.ClientSession, method: str, address: str, status: int
) -> None:
    async with http.request(method, address) as answer:
        assert answer.status == status
        assert "<" not in await answer.text()
    assert await server.is_unharmed()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "{own}.evil.example", "{own}:1", "{own}/", "file://"]
)
async def test_another_origin(server: Server, http: aiohttp.ClientSession, origin: str) -> None:
    foreign = origin.replace("{own}", server.url)
    async with http.get(POLLING, headers={"Origin": foreign}) as answer:
        assert answer.status == 400
        assert "Access-Control-Allow-Origin" not in answer.headers
    with pytest.raises(ConnectionError, match="400"):
        await server.connected(room=False, Origin=foreign)
    assert await server.is_unharmed()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "https"},
        {"Cookie": "io=guessed; session="},
        {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits=15"},
        {"Sec-WebSocket-Protocol": "graphql-ws"},
    ],
)
async def test_headers_that_change_nothing(server: Server, headers: dict[str, Any]) -> None:
    wild = await server.connected(HELLO, **headers)
    assert await wild.is_answered()
    assert await server.is_unharmed()
    wild.close()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (SEPARATOR.join(["3"] * 17), 400),
        ("4" + "x" * MAX_PACKET, 400),
        (b"\xff\xfe", 400),
        ("x", 400),
        ("", 200),
        (SEPARATOR, 400),
        ("b!", 200),
        ("bAAAA", 200),
        ("451-[]", 200),
        ("43[]", 200),
        ("42/room,[NaN]", 200),
        ("2probe", 400),
        ("0{}", 400),
        ("d=", 400),
        (SEPARATOR.join(["1", "9"]), 200),
    ],
)
async def test_an_odd_payload(server: Server, http: aiohttp.ClientSession, body: bytes | str, status: int) -> None:
    address = await opened(http)
    assert await post(http, address, body) == status
    assert await server.is_unharmed()
    if body:
        assert await post(http, address, "3") == 400  # whoever sent it is let go


async def test_several_payloads_keep_their_order(server: Server, http: aiohttp.ClientSession) -> None:
    address = await opened(http)
    asked = [f'42/room,{number}["say","nowhere",1]' for number in range(15)]
    assert await post(http, address, SEPARATOR.join(["40/room,", *asked])) == 200
    heard = (await poll(http, address))[1].split(SEPARATOR)
    assert heard[1:] == [f'43/room,{number}["said"]' for number in range(15)]
    assert await server.is_unharmed()


async def test_a_flood_of_payloads(server: Server, http: aiohttp.ClientSession) -> None:
    address = await opened(http)
    statuses = [await post(http, address, SEPARATOR.join(["3"] * 16)) for _ in range(2 * BURST // 16)]
    assert statuses[0] == 200
    assert statuses[-1] == 400
    assert await server.is_unharmed()


async def upgrading(server: Server, address: str) -> Wild:
    """A WebSocket for a line that was opened by long polling."""
    return await server.connected(address.replace("polling", "websocket"), room=False, Origin=server.url)


async def test_polling_goes_on_over_a_websocket(server: Server, http: aiohttp.ClientSession) -> None:
    address = await opened(http)
    assert await post(http, address, "40/room,") == 200
    assert (await poll(http, address))[1].startswith("40/room,{")
    wild = await upgrading(server, address)
    wild.say("2probe")
    assert await wild.hear() == "3probe"
    assert await post(http, address, '42/room,1["say","nowhere",1]') == 200  # until it says so, polling goes on
    wild.say("5")
    assert await wild.is_answered()
    assert (await poll(http, address))[0] == 400
    assert await post(http, address, "3") == 400
    with pytest.raises(ConnectionError, match="400"):
        await upgrading(server, address)
    assert await server.is_unharmed()
    wild.close()


@pytest.mark.parametrize("said", ["2", "2probe?", "5", "3probe", '42/room,1["say","theirs",1]', ""])
async def test_a_probe_that_is_none(server: Server, http: aiohttp.ClientSession, said: str) -> None:
    address = await opened(http)
    wild = await upgrading(server, address)
    wild.say(said)
    assert await wild.is_hung_up_on()
    assert await post(http, address, "40/room,") == 200  # the line is as good as before
    assert (await poll(http, address))[1].startswith("40/room,{")
    assert await server.is_unharmed()


async def test_probes_again_and_again(server: Server, http: aiohttp.ClientSession) -> None:
    address = await opened(http)
    wild = await upgrading(server, address)
    for _ in range(10):
        with pytest.raises(ConnectionError, match="400"):
            await upgrading(server, address)
    wild.say("2probe")
    assert await wild.hear() == "3probe"
    wild.say("2probe")
    assert await wild.is_hung_up_on()
    assert await post(http, address, "3") == 200
    assert await server.is_unharmed()
