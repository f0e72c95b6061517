"""Engine.IO under the live server: python-engineio's, with our own kind of line to each client."""

from typing import Any

import engineio
from engineio import packet

from signaling.line import Line


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio ships no types
    """Long polling and WebSocket, and from the one to the other."""

    async def disconnect(self, sid: str | None = None) -> None:
        """Close one connection; the library's own waits for ever for a poll that does not come."""
        line = self.sockets.get(sid)
        if line is not None:
            await line.close(abort=True)

    async def deliver(self, sid: str, message: str) -> None:
        """Send a message to a client, if it is still there."""
        line = self.sockets.get(sid)
        if line is not None:
            await line.deliver(message)

    def refusal(self) -> dict[str, Any]:
        """What a request that cannot be is answered with."""
        refused: dict[str, Any] = self._bad_request()
        return refused

    async def _handle_connect(self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None) -> Any:
        """The library's own, but for the kind of line."""
        sid = self.generate_id()
        self.sockets[sid] = line = Line(self, sid)
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
