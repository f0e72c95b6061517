"""One client's line to us (Engine.IO 4), as python-engineio's socket is: over long polling that is what it is.

Over a WebSocket the library starts a task to read each packet, one to write and one to ping. Here one loop reads,
whoever has something to say writes at once, and two timers watch. Nobody ever waits for a client: who does not read,
does not answer pings, is too loud or says what nobody says is hung up on.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from aiohttp import WSMsgType, web
from engineio import exceptions, packet
from engineio.async_socket import AsyncSocket

from signaling.allowance import Allowance
from signaling.packets import text_frame

MAX_QUEUE: Final = 500
"""Packets waiting for one client."""
MAX_UNREAD: Final = 1_000_000
"""Bytes of them, past what the system's own buffers hold."""
AT_ONCE: Final = 16
"""Packets of one client that are answered before the others have their turn."""
FAREWELL: Final = 2.0
"""Seconds a client has to say good-bye, too."""

MESSAGE: Final = str(packet.MESSAGE)
PONG: Final = str(packet.PONG)
CLOSE: Final = str(packet.CLOSE)

log = structlog.get_logger(__name__)


class Line(AsyncSocket):  # type: ignore[misc]  # python-engineio ships no types
    """A client's. `server` is the `signaling.engine.Engine` that it is one of, `address` where it comes from."""

    _queue: asyncio.Queue[Any] | None

    def __init__(self, server: Any, sid: str, address: str) -> None:
        super().__init__(server, sid)
        self.address = address
        self.last_ping: float | None = time.time()
        self.allowance = Allowance()
        self._websocket: web.WebSocketResponse | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._behind = 0
        self._timer: asyncio.TimerHandle | None = None
        self.is_ending = False
        self.is_taking = False
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def queue(self) -> asyncio.Queue[Any]:
        """What waits for a poll. Made when something does: an empty one takes three kilobytes."""
        if self._queue is None:
            self._queue = asyncio.Queue()
        return self._queue

    @queue.setter
    def queue(self, queue: asyncio.Queue[Any] | None) -> None:
        self._queue = queue

    async def send(self, pkt: packet.Packet) -> None:
        """Send a packet, or hang up where too many wait already."""
        if self._transport is not None:
            self._write(pkt.encode().encode())
        else:
            self._keep(pkt)

    def deliver(self, message: bytes) -> None:
        """Send a message, as `send` does."""
        if self._transport is not None:
            self._write(b"4" + message)
        else:
            self._keep(packet.Packet(packet.MESSAGE, message.decode()))

    def hang_up(self, why: str) -> None:
        """Let go of the client; who says so does not wait for what follows from it."""
        if not self.is_ending:
            self.is_ending = True
            log.info("socket.hung_up", why=why)
            self._begin(self.server.disconnect(self.sid))

    async def receive(self, pkt: packet.Packet) -> None:
        """Take a packet that came by long polling."""
        if self.is_ending:
            return
        if self.allowance.take() < 0:
            self.hang_up("too many packets")
        else:
            self.is_taking = True
            try:
                await super().receive(pkt)
            finally:  # who breaks the request off goes on having a line
                self.is_taking = False

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take what came by long polling. Raises EngineIOError where that is no payload."""
        try:
            await super().handle_post_request(environ)
        except (ValueError, LookupError) as error:
            raise exceptions.EngineIOError(type(error).__name__) from None

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """End the line, without waiting for the other end whatever `wait` says."""
        self.is_ending = True
        await super().close(wait=False, abort=abort, reason=reason)
        self.server.sockets.pop(self.sid, None)
        self.server.anteroom.leave(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._websocket is None:
            self.queue.put_nowait(None)  # the poll that would wait for nothing any more
        elif not self._websocket.closed:
            self._begin(self._websocket.close())

    def schedule_ping(self) -> None:
        """Ping after a while: at first, and once the ping before has been answered. Other answers change nothing."""
        if self.last_ping is not None:
            self.last_ping = None
            self._set_timer(self.server.ping_interval, self._ping)

    def _begin(self, act: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _set_timer(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _ping(self) -> None:
        self.last_ping = time.time()
        self._begin(self.send(packet.Packet(packet.PING)))
        self._set_timer(self.server.ping_timeout, self._miss)

    def _miss(self) -> None:
        """No answer: the other end is gone, whatever the network says. While a message of its is being answered, its
        answer to the ping may lie there unread.
        """
        if self.is_taking:
            self._set_timer(self.server.ping_timeout, self._miss)
        elif self._transport is not None:
            self._transport.abort()
        else:
            self.hang_up("it does not answer")

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> web.WebSocketResponse | dict[str, Any]:
        if self.upgrading or self.upgraded:
            refusal: dict[str, Any] = self.server.refusal()
            return refusal
        # No permessage-deflate: it costs four times the memory and half again the time per message.
        websocket = web.WebSocketResponse(
            max_msg_size=self.server.max_http_buffer_size, compress=False, autoping=False, timeout=FAREWELL
        )
        request: web.Request = environ["aiohttp.request"]
        await websocket.prepare(request)
        websocket.headers.clear()  # they were sent, and would be kept as long as the line
        if self.connected and not await self._is_upgrade(websocket):
            await websocket.close()
            return websocket
        try:
            if request.transport is not None:
                self._switch(websocket, request.transport)
                # A task of its own: each message would wake all that stands around a request, one after the other.
                await asyncio.create_task(self._read(websocket))
        finally:
            await self.close(abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
            while self._tasks:
                await asyncio.wait(self._tasks)
        return websocket

    async def _is_upgrade(self, websocket: web.WebSocketResponse) -> bool:
        """Whether a client that came by long polling goes on over this WebSocket."""
        self.upgrading = True
        try:
            if await websocket.receive_str(timeout=self.server.ping_timeout) != f"{packet.PING}probe":
                return False
            await websocket.send_str(f"{packet.PONG}probe")
            await self.queue.put(packet.Packet(packet.NOOP))  # ends the poll
            return await websocket.receive_str(timeout=self.server.ping_timeout) == str(packet.UPGRADE)
        except (TypeError, TimeoutError, OSError):
            return False
        finally:
            self.upgrading = False

    def _switch(self, websocket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        """From now on everything goes over the WebSocket, first what waited."""
        self.connected = self.upgraded = True
        transport.set_write_buffer_limits(high=2 * MAX_UNREAD)  # we never wait for it: `_write` cuts before
        self._websocket, self._transport = websocket, transport
        while not self.queue.empty():
            waiting = self.queue.get_nowait()
            if waiting is not None:
                self._write(waiting.encode().encode())
        self._queue = None

    def _keep(self, pkt: packet.Packet) -> None:
        """Have a packet wait for the next poll."""
        if self.queue.qsize() > MAX_QUEUE:
            self.hang_up("it does not read")
        elif not self.closed:
            self.queue.put_nowait(pkt)

    def _write(self, text: bytes) -> None:
        """Write at once, as the WebSocket would if it could not be made to wait; the line is cut where the client does
        not read.
        """
        websocket, transport = self._websocket, self._transport
        assert websocket is not None
        assert transport is not None
        if self.closed or websocket.closed or transport.is_closing():
            return
        unread = transport.get_write_buffer_size()
        self._behind = self._behind + 1 if unread else 0
        if self._behind > MAX_QUEUE or unread + len(text) > MAX_UNREAD:
            log.info("socket.hung_up", why="it does not read")
            transport.abort()
            return
        transport.write(text_frame(text))

    async def _read(self, websocket: web.WebSocketResponse) -> None:
        """Take one packet after another until either end closes."""
        taken = 0
        while not self.is_ending:
            message = await websocket.receive()
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            if self.allowance.take() < 0:
                self.hang_up("too many packets")
                return
            if message.type is WSMsgType.PING:
                await websocket.pong(message.data)
            elif message.type is not WSMsgType.TEXT or not await self._take(message.data):
                self.hang_up("an unexpected packet")
                return
            taken += 1
            if taken % AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _take(self, text: str) -> bool:
        """Do what a packet asks for; False where no client of ours sends such a one."""
        kind = text[:1]
        if kind == MESSAGE:
            self.is_taking = True
            await self.server.handlers["message"](self.sid, text[1:])
            self.is_taking = False
        elif kind == PONG:
            self.schedule_ping()
        elif kind == CLOSE:
            await self.close(abort=True, reason=self.server.reason.CLIENT_DISCONNECT)
        else:
            return False
        return True
