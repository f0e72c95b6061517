"""The Socket.IO server, made strict: what python-socketio takes on trust is refused here.

* A client may not emit `connect`, `disconnect` or any other name the library keeps for itself: a forged
  `disconnect` would take the sender out of presence while it still hears the room.
* Only text packets of type connect, disconnect and event come in; JSON is read by orjson, which knows no
  NaN, no lone surrogates and no bottomless nesting.
* Each socket has an allowance of packets, and a queue outwards that ends: who is too loud or too slow
  is hung up on.
"""

import logging
import time
from typing import Any, Final

import engineio
import orjson
import socketio
import structlog
from aiohttp import web
from engineio.async_drivers import aiohttp as driver

RESERVED: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "message", "newListener", "removeListener"}
)
MAX_PACKET: Final = 100_000  # bytes
PACKETS_A_SECOND: Final = 40
BURST: Final = 120  # a page that gathers candidates on many interfaces sends some dozens at once
MAX_QUEUE: Final = 500  # packets waiting for one socket
PING_INTERVAL: Final = 5  # seconds: a lost link is noticed within 11
PING_TIMEOUT: Final = 6

log = structlog.get_logger(__name__)
library_log = logging.getLogger(f"{__name__}.library")
library_log.setLevel(logging.WARNING)  # below that the library writes whole messages, chat included


class StrictJson:
    """orjson under the names the library calls."""

    @staticmethod
    def dumps(value: object, **_ignored: object) -> str:
        """JSON text without spaces."""
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str) -> Any:
        """Raises a ValueError on anything RFC 8259 does not allow."""
        return orjson.loads(text)


class PlainWebSocket(driver.WebSocket):  # type: ignore[misc]  # python-engineio ships no types
    """Without permessage-deflate: it costs four times the memory and half again the time per message."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Serve one WebSocket until it closes."""
        self._sock = web.WebSocketResponse(max_msg_size=self.server.max_http_buffer_size, compress=False)
        await self._sock.prepare(environ["aiohttp.request"])
        self.environ = environ
        await self.handler(self)
        return self._sock


class UnhesitatingServer(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio ships no types
    """Never waits for a client to fetch what it is owed before letting go of it."""

    async def disconnect(self, sid: str | None = None) -> None:
        """Close one connection; the library's own waits for ever for a poll that does not come."""
        connection = self.sockets.get(sid)
        if connection is not None:
            await connection.close(wait=False, abort=True)
            self.sockets.pop(sid, None)


class Allowance:
    """A token bucket: so many packets a second on average, so many at once."""

    def __init__(self, *, a_second: float = PACKETS_A_SECOND, burst: float = BURST) -> None:
        self._a_second, self._burst = a_second, burst
        self._left = float(burst)
        self._seen = time.monotonic()

    def take(self) -> float:
        """Use up one packet; what is left is negative once the socket is too loud."""
        moment = time.monotonic()
        self._left = min(self._burst, self._left + (moment - self._seen) * self._a_second) - 1
        self._seen = moment
        return self._left


class LiveServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio ships no types
    """An AsyncServer that believes nothing. `origins` are the exact ones a browser may come from (RFC 6454)."""

    def __init__(self, *, origins: frozenset[str]) -> None:
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,  # one message after another per socket: an offer before its candidates
            cors_allowed_origins=sorted(origins),
            http_compression=False,
            json=StrictJson,
            logger=library_log,
            engineio_logger=library_log,
            max_http_buffer_size=MAX_PACKET,
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
        )
        self.namespaces: list[str] = []  # none but those with a handler: by default "/" takes anybody
        self.eio._async = {**self.eio._async, "websocket": PlainWebSocket}
        self._allowances: dict[str, Allowance] = {}

    async def hang_up(self, eio_sid: str) -> None:
        """Close a connection without waiting for the other end."""
        await self.eio.disconnect(eio_sid)

    def _engineio_server_class(self) -> type[UnhesitatingServer]:
        return UnhesitatingServer

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        self._allowances[eio_sid] = Allowance()
        await super()._handle_eio_connect(eio_sid, environ)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._allowances.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)
        # Ends the writer, which closes the WebSocket, and the poll that would wait for nothing any more.
        if (connection := self.eio.sockets.get(eio_sid)) is not None:
            connection.queue.put_nowait(None)

    async def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        allowance = self._allowances.get(eio_sid)
        if allowance is None:
            return
        # 0 connect, 1 disconnect, 2 event: no binary, and no acknowledgements, for we ask for none.
        is_expected = isinstance(data, str) and data[:1] in ("0", "1", "2")
        if not is_expected or allowance.take() < 0:
            log.info("socket.hung_up", why="too many packets" if is_expected else "an unexpected packet")
            await self.hang_up(eio_sid)
            return
        try:
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, IndexError, KeyError) as error:
            log.info("socket.hung_up", why=type(error).__name__)
            await self.hang_up(eio_sid)

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: object) -> None:
        if not isinstance(data, list) or not data or not isinstance(data[0], str) or data[0] in RESERVED:
            log.info("socket.event_dropped", why="a reserved or impossible name")
            return
        await super()._handle_event(eio_sid, namespace, id, data)

    async def _send_eio_packet(self, eio_sid: str, eio_pkt: object) -> None:
        connection = self.eio.sockets.get(eio_sid)
        if connection is not None and connection.queue.qsize() > MAX_QUEUE:
            log.info("socket.hung_up", why="it does not read")
            await self.hang_up(eio_sid)
            return
        await super()._send_eio_packet(eio_sid, eio_pkt)
