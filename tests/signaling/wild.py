"""A client that keeps no rule: WebSocket frames by hand (RFC 6455), and the server it bothers, whose namespace relays
what one of a room says to the other.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import socketio
from aiohttp import web
from aiohttp.test_utils import unused_port

from signaling.server import LiveServer

TEXT, BINARY, PING = 1, 2, 9
PATIENCE: Final = 30.0  # seconds
HELLO: Final = "/socket.io/?EIO=4&transport=websocket"


class Pairs(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio ships no types
    """Whoever joins a room is told what the others there say."""

    async def on_connect(self, sid: str, environ: object, auth: object = None) -> None:
        """Anybody may come."""

    async def on_join(self, sid: str, room: str) -> str:
        """Into that room."""
        await self.enter_room(sid, room)
        return "in"

    async def on_say(self, sid: str, room: str, what: object) -> str:
        """To everyone else in it."""
        await self.emit("say", what, to=room, skip_sid=sid)
        return "said"


class Wild:
    """A connection to the server, with or without the handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    def frame(self, content: bytes, *, kind: int = TEXT, first: int = 0x80, masked: bool = True) -> None:
        """Send one frame; `first` are its first byte's upper bits: FIN and the reserved ones."""
        mask = 0x80 if masked else 0
        size = len(content)
        if size < 126:
            head = bytes((first | kind, mask | size))
        elif size < 65536:
            head = bytes((first | kind, mask | 126)) + size.to_bytes(2)
        else:
            head = bytes((first | kind, mask | 127)) + size.to_bytes(8)
        self.writer.write(head + (bytes(4) if masked else b"") + content)

    def say(self, text: str) -> None:
        """Send a text."""
        self.frame(text.encode("utf-8", "surrogatepass"))

    async def hear(self) -> str:
        """The next text. Raises EOFError once the server has hung up."""
        while True:
            kind, size = await asyncio.wait_for(self._reader.readexactly(2), PATIENCE)
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2))
            elif size == 127:
                size = int.from_bytes(await self._reader.readexactly(8))
            content = await self._reader.readexactly(size)
            if kind & 15 == 8:
                raise EOFError
            if kind & 15 == TEXT:
                return content.decode()

    async def hears(self, beginning: str) -> str:
        """The next text that begins so."""
        while not (text := await self.hear()).startswith(beginning):
            pass
        return text

    async def is_hung_up_on(self) -> bool:
        """Whether the server lets go."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                await self.hear()
        return True

    async def is_answered(self) -> bool:
        """Whether what it asks is answered still."""
        self.say('42/room,77["say","nowhere",1]')
        return await self.hears("43/room,77") == '43/room,77["said"]'

    def close(self) -> None:
        """Go without a word."""
        self.writer.close()


@dataclass
class Server:
    """A live server and two who talk to each other by it."""

    port: int
    live: LiveServer
    neighbours: tuple[Wild, Wild]
    before: float = 0.0

    @property
    def url(self) -> str:
        """Its own origin."""
        return f"http://127.0.0.1:{self.port}"

    async def latency(self, messages: int = 3) -> float:
        """Seconds in which what one neighbour says is heard by the other, the median of a few."""
        took = []
        for _ in range(messages):
            self.neighbours = one, other = self.neighbours[::-1]
            began = time.perf_counter()
            one.say('42/room,1["say","theirs","hello"]')
            assert await other.hears('42/room,["say"') == '42/room,["say","hello"]'
            took.append(time.perf_counter() - began)
        return statistics.median(took)

    async def is_unharmed(self) -> bool:
        """Whether the neighbours are served about as fast as before."""
        return await self.latency() < max(20 * self.before, 0.1)

    async def connected(self, address: str = HELLO, *, room: bool = True, **headers: str) -> Wild:
        """A client after the handshake, in the namespace unless it shall not be."""
        wild = Wild(*await asyncio.open_connection("127.0.0.1", self.port))
        asked = {
            "Host": f"127.0.0.1:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            **headers,
        }
        wild.writer.write(
            "".join([f"GET {address} HTTP/1.1\r\n", *(f"{k}: {v}\r\n" for k, v in asked.items())]).encode()
        )
        wild.writer.write(b"\r\n")
        answer = await wild._reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise ConnectionError(answer.decode())
        if room:
            await wild.hears("0{")
            wild.say("40/room,")
            await wild.hears("40/room,{")
        return wild


@contextlib.asynccontextmanager
async def serving(**changes: Any) -> AsyncIterator[Server]:
    """A live server; `changes` to its engine, such as how often it pings."""
    port = unused_port()
    live = LiveServer(origins=frozenset({f"http://127.0.0.1:{port}"}))
    usual, live.eio.ping_interval = live.eio.ping_interval, 3600  # the neighbours are not asked whether they live
    live.register_namespace(Pairs("/room"))
    app = web.Application()
    live.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    nobody = Wild(*await asyncio.open_connection("127.0.0.1", port))
    server = Server(port, live, (nobody, nobody))
    nobody.close()
    server.neighbours = await server.connected(), await server.connected()
    for neighbour in server.neighbours:
        neighbour.say('42/room,5["join","theirs"]')
        await neighbour.hears('43/room,5["in"]')
    server.before = await server.latency(20)
    for name, value in ({"ping_interval": usual} | changes).items():
        setattr(live.eio, name, value)
    try:
        yield server
    finally:
        for eio_sid in list(live.eio.sockets):
            await live.hang_up(eio_sid)
        await runner.cleanup()
