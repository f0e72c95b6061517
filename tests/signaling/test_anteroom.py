"""A line is for who is let in: who never asks, who is refused or has left is hung up on, and few wait at a time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import socketio

from signaling import anteroom
from tests.signaling.test_steadiness import waits
from tests.signaling.wild import Server, Wild, serving

POLLING = "/socket.io/?EIO=4&transport=polling"
BRIEF = 0.2  # seconds


@asynccontextmanager
async def hasty() -> AsyncIterator[Server]:
    """A server that waits for nobody long."""
    async with serving() as server:
        server.live.eio.anteroom.patience = BRIEF
        yield server


async def refuse(*_about: object) -> None:
    """Let nobody in."""
    raise socketio.exceptions.ConnectionRefusedError("Sign in first.")


async def ends(wild: Wild) -> bool:
    """Whether it is hung up on soon."""
    return await asyncio.wait_for(wild.is_hung_up_on(), 5)


async def test_who_never_asks_to_be_let_in_is_hung_up_on() -> None:
    async with hasty() as server:
        began = time.monotonic()
        silent = await server.connected(room=False)
        silent.say("3")
        assert await ends(silent)
        assert time.monotonic() - began >= BRIEF
        assert await server.is_unharmed()


@pytest.mark.parametrize("asked", ["40/room,", "40/nowhere,"])
async def test_who_is_refused_is_hung_up_on(asked: str) -> None:
    async with hasty() as server:
        server.live.namespace_handlers["/room"].on_connect = refuse
        refused = await server.connected(room=False)
        refused.say(asked)
        assert (await refused.hears("44/")).startswith("44/")
        assert await ends(refused)


async def test_asking_again_and_again_wins_no_time() -> None:
    async with hasty() as server:
        server.live.namespace_handlers["/room"].on_connect = refuse
        refused, began = await server.connected(room=False), time.monotonic()
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                refused.say("40/room,")
                await refused.hears("44/room,")
                await asyncio.sleep(BRIEF / 4)
        assert time.monotonic() - began < 5


async def test_who_leaves_the_last_namespace_is_hung_up_on() -> None:
    async with hasty() as server:
        leaving = await server.connected()
        await asyncio.sleep(1.5 * BRIEF)
        leaving.say("41/room,")
        assert await ends(leaving)


async def test_who_is_dismissed_is_hung_up_on() -> None:
    async with hasty() as server:
        dismissed = await server.connected()
        sid = list(server.live.manager.rooms["/room"][None])[-1]
        await server.live.disconnect(sid, namespace="/room")
        await dismissed.hears("41/room,")
        assert await ends(dismissed)


async def test_who_is_let_in_stays_also_after_another_refusal() -> None:
    async with hasty() as server:
        settled = await server.connected()
        settled.say("40/nowhere,")
        await asyncio.sleep(2 * BRIEF)
        assert await settled.is_answered()


async def test_who_is_let_in_slowly_is_waited_for() -> None:
    async with hasty() as server:

        async def slowly(*_about: object) -> None:
            await asyncio.sleep(1.5 * BRIEF)

        server.live.namespace_handlers["/room"].on_connect = slowly
        slow = await server.connected()
        await asyncio.sleep(1.5 * BRIEF)
        assert await slow.is_answered()


async def test_who_polls_and_is_not_let_in_is_hung_up_on() -> None:
    async with hasty() as server, aiohttp.ClientSession() as http:
        sids = []
        for _ in range(2):
            async with http.get(server.url + POLLING) as answer:
                sids.append((await answer.text()).split('"sid":"')[1].split('"')[0])
        stays, goes = (f"{server.url}{POLLING}&sid={sid}" for sid in sids)
        async with http.post(stays, data="40/room,") as answer:
            assert answer.status == 200
        async with http.get(stays) as answer:
            assert (await answer.text()).startswith("40/room,")
        assert await waits(lambda: sids[1] not in server.live.eio.sockets, within=5)
        async with http.get(goes) as answer:
            assert answer.status == 400
        assert sids[0] in server.live.eio.sockets


async def test_only_so_many_wait_from_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as server, aiohttp.ClientSession() as http:
        monkeypatch.setattr(anteroom, "MOST_FROM_ONE_ADDRESS", 3)
        server.live.eio.address_of = lambda request: request.headers.get("From", "")
        wilds = [await server.connected(room=False) for _ in range(3)]
        with pytest.raises(ConnectionError, match="429"):
            await server.connected(room=False)
        async with http.get(server.url + POLLING) as answer:
            assert answer.status == 429
        wilds.append(await server.connected(From="elsewhere"))
        wilds[0].say("40/room,")
        await wilds[0].hears("40/room,{")
        wilds[1].close()
        lines = server.live.eio.sockets
        assert await waits(lambda: len(lines) == 5)
        wilds += [await server.connected(room=False) for _ in range(2)]
        with pytest.raises(ConnectionError, match="429"):
            await server.connected(room=False)
