"""The server under load and on bad lines: order, those who do not read, those who are gone, those who all come back."""

import asyncio
import socket
import time
from collections.abc import Callable

import pytest

from signaling.line import MAX_QUEUE
from tests.signaling.wild import HELLO, Server, Wild, serving

LARGE = "x" * 90_000


async def waits(condition: Callable[[], bool], *, within: float = 20.0) -> bool:
    """Whether it comes true."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.01)
    return True


async def in_room(server: Server, room: str) -> Wild:
    """Somebody who hears what is said there."""
    wild = await server.connected()
    wild.say(f'42/room,1["join","{room}"]')
    await wild.hears('43/room,1["in"]')
    return wild


async def test_order_is_kept_under_load() -> None:
    async with serving() as server:
        speakers = [await in_room(server, "all") for _ in range(4)]
        listener = await in_room(server, "all")
        for number in range(100):
            for name, speaker in enumerate(speakers):
                speaker.say(f'42/room,["say","all",[{name},{number}]]')
        heard: dict[int, list[int]] = {name: [] for name in range(4)}
        for _ in range(400):
            _, content = (await listener.hears('42/room,["say"')).split('"say",')
            name, number = (int(part) for part in content.strip("[]").split(","))
            heard[name].append(number)
        assert all(numbers == list(range(100)) for numbers in heard.values())
        assert await server.is_unharmed()


async def test_who_does_not_read_is_cut_off_and_holds_nobody_up() -> None:
    async with serving() as server:
        deaf, listener, speaker = [await in_room(server, "loud") for _ in range(3)]
        transport = deaf.writer.transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        transport.pause_reading()  # type: ignore[attr-defined]  # a read transport's
        connections = len(server.live.eio.sockets)
        for number in range(100):
            speaker.say(f'42/room,{number}["say","loud","{LARGE}"]')
            await listener.hears('42/room,["say"')
            if len(server.live.eio.sockets) < connections:
                break
        assert await waits(lambda: len(server.live.eio.sockets) == connections - 1)
        assert await speaker.is_answered()
        assert await server.is_unharmed()


async def test_a_poll_that_never_comes_is_not_waited_for() -> None:
    async with serving() as server:
        poller = Wild(*await asyncio.open_connection("127.0.0.1", server.port))
        poller.writer.write(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
        await waits(lambda: len(server.live.eio.sockets) == 3)
        line = list(server.live.eio.sockets.values())[-1]
        for _ in range(MAX_QUEUE + 2):
            line.deliver(b"2[]")
        assert await waits(lambda: len(server.live.eio.sockets) == 2)
        assert await server.is_unharmed()
        poller.close()


async def test_a_line_that_is_dead_at_the_other_end_is_noticed() -> None:
    async with serving(ping_interval=0.1, ping_timeout=0.1) as server:
        for neighbour in server.neighbours:
            neighbour.close()
        silent = await server.connected()
        await silent.hears("2")  # a ping that it never answers
        began = time.monotonic()
        assert await silent.is_hung_up_on()
        assert time.monotonic() - began < 5
        assert await waits(lambda: not server.live.eio.sockets)


async def test_who_answers_pings_stays() -> None:
    async with serving(ping_interval=0.05, ping_timeout=2) as server:
        faithful = await server.connected()
        for _ in range(5):
            await faithful.hears("2")
            faithful.say("3")
        assert await faithful.is_answered()


async def test_who_waits_for_an_answer_is_not_taken_for_dead() -> None:
    async with serving(ping_interval=0.05, ping_timeout=0.1) as server:
        asked = await server.connected(HELLO, room=False)

        async def slowly(*_about: object) -> None:
            await asyncio.sleep(0.3)

        server.live.namespace_handlers["/room"].on_connect = slowly
        await asked.hears("0{")
        asked.say("40/room,")
        await asked.hears("2")
        asked.say("3")
        assert (await asked.hears("40/room,{")).startswith("40")
        await asked.hears("2")


async def test_two_hundred_come_back_at_once() -> None:
    async with serving() as server:
        for _ in range(2):
            wilds = await asyncio.gather(*(server.connected() for _ in range(200)))
            assert await server.is_unharmed()
            for wild in wilds:
                wild.close()
        assert await waits(lambda: len(server.live.eio.sockets) == 2)
        assert len(server.live.manager.rooms["/room"][None]) == 2
        assert await server.is_unharmed()


@pytest.mark.parametrize("said", ["40/room,", '40/room,{"token":"x"}'])
async def test_who_goes_while_being_let_in_leaves_nothing_behind(said: str) -> None:
    async with serving() as server:
        let_in, asked = asyncio.Event(), asyncio.Event()

        async def slowly(*_about: object) -> None:
            asked.set()
            await let_in.wait()

        server.live.namespace_handlers["/room"].on_connect = slowly
        wild = await server.connected(HELLO, room=False)
        wild.say(said)
        await asked.wait()
        wild.close()
        assert await waits(lambda: len(server.live.eio.sockets) == 2)
        assert len(server.live.manager.rooms["/room"][None]) == 2
        assert not server.live.manager.pending_connect
        let_in.set()


async def test_a_farewell_that_fails_leaves_nothing_behind() -> None:
    async with serving() as server:

        async def fail(*_about: object) -> None:
            raise TimeoutError("the database is busy")

        wild = await in_room(server, "short")
        server.live.namespace_handlers["/room"].on_disconnect = fail
        wild.close()
        assert await waits(lambda: len(server.live.environ) == 2 and len(server.live.manager.rooms["/room"][None]) == 2)
        assert "short" not in server.live.manager.rooms["/room"]
        assert await server.is_unharmed()
        del server.live.namespace_handlers["/room"].on_disconnect
