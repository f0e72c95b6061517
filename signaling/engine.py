"""Engine.IO under the live server: python-engineio's, with our own kind of line to each client."""

from collections.abc import Callable
from typing import Any, Final

import engineio
from aiohttp import web
from engineio import packet

from signaling.anteroom import Anteroom
from signaling.line import Line

KEPT: Final = (
    "QUERY_STRING",
    "aiohttp.request",
    "HTTP_CONNECTION",
    "HTTP_UPGRADE",
    "HTTP_ORIGIN",
    "HTTP_SEC_FETCH_SITE",
    "HTTP_COOKIE",
)
"""What is asked of a request once its WebSocket stands; the rest would be kept as long as that."""


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio ships no types
    """Long polling and WebSocket, and from the one to the other."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.anteroom = Anteroom()
        self.address_of: Callable[[web.Request], str] = lambda request: request.remote or ""

    def create_queue(self, *_args: Any, **_options: Any) -> None:
        """Lines make theirs by themselves."""

    def let_in(self, sid: str) -> None:
        """Somebody was let in to a namespace by this line."""
        line = self.sockets.get(sid)
        if line is not None:
            self.anteroom.leave(line)

    def let_out(self, sid: str) -> None:
        """By this line nobody is in a namespace any more."""
        line = self.sockets.get(sid)
        if line is not None and not line.is_ending:
            self.anteroom.enter(line)

    async def disconnect(self, sid: str | None = None) -> None:
        """Close one connection; the library's own waits for ever for a poll that does not come."""
        line = self.sockets.get(sid)
        if line is not None:
            await line.close(abort=True)

    def deliver(self, sid: str, message: bytes) -> None:
        """Send a message to a client, if it is still there."""
        line = self.sockets.get(sid)
        if line is not None:
            line.deliver(message)

    def refusal(self) -> dict[str, Any]:
        """What a request that cannot be is answered with."""
        refused: dict[str, Any] = self._bad_request()
        return refused

    async def _handle_connect(self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None) -> Any:
        """The library's own, but for the kind of line and for how many may wait to be let in."""
        address = self.address_of(environ["aiohttp.request"])
        if self.anteroom.is_full(address):
            return self.refusal() | {"status": "429 TOO MANY REQUESTS"}
        if transport == "websocket":
            kept = [(name, environ[name]) for name in KEPT if name in environ]
            environ.clear()
            environ.update(kept)
        sid = self.generate_id()
        self.sockets[sid] = line = Line(self, sid, address)
        self.anteroom.enter(line)
        await line.send(packet.Packet(packet.OPEN, self._terms(sid, transport)))
        await self.handlers["connect"](sid, environ)
        line.schedule_ping()
        if transport == "websocket":
            return await line.handle_get_request(environ)
        line.connected = True
        return self._ok(await line.poll(), jsonp_index=jsonp_index)

    def _terms(self, sid: str, transport: str) -> dict[str, Any]:
        return {
            "sid": sid,
            "upgrades": self._upgrades(sid, transport),
            "pingTimeout": int(self.ping_timeout * 1000),
            "pingInterval": int(self.ping_interval * 1000),
            "maxPayload": self.max_http_buffer_size,
        }
