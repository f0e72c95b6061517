"""The Socket.IO server, made strict: what python-socketio takes on trust is refused here. And made straight: a message
goes from one client to the other without a task or a queue between (`signaling.line`).

* A client may not emit `connect`, `disconnect` or any other name the library keeps for itself: a forged
  `disconnect` would take the sender out of presence while it still hears the room.
* Only text packets of type connect, disconnect and event come in; JSON is read by orjson, which knows no
  NaN, no lone surrogates and no bottomless nesting.
* Each socket has an allowance of packets, and a queue outwards that ends: who is too loud or too slow
  is hung up on.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import socketio
import structlog
from aiohttp import web

from signaling.engine import Engine
from signaling.packets import Event, StrictJson, read_event, write_answer, write_event

RESERVED: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "message", "newListener", "removeListener"}
)
MAX_PACKET: Final = 100_000  # bytes
PING_INTERVAL: Final = 5  # seconds: a lost link is noticed within 11
PING_TIMEOUT: Final = 6

log = structlog.get_logger(__name__)
library_log = logging.getLogger(f"{__name__}.library")
library_log.setLevel(logging.WARNING)  # below that the library writes whole messages, chat included


class DirectManager(socketio.AsyncManager):  # type: ignore[misc]  # python-socketio ships no types
    """Knows who is in which room; tells them one after the other, at once."""

    async def connect(self, sid: str, namespace: str) -> str:
        """Somebody was let in."""
        connected: str = await super().connect(sid, namespace)
        self.server.eio.let_in(self.eio_sid_from_sid(connected, namespace))
        return connected

    async def disconnect(self, sid: str, namespace: str, **about: Any) -> None:
        """Somebody was refused, left or was turned out."""
        eio_sid = self.eio_sid_from_sid(sid, namespace)
        await super().disconnect(sid, namespace, **about)
        if not any(self.sid_from_eio_sid(eio_sid, other) for other in self.get_namespaces()):
            self.server.eio.let_out(eio_sid)

    def tell(
        self, namespace: str, event: str, *content: object, to: str | list[str] | None, skip: str | None = None
    ) -> None:
        """Tell everyone in a room, of one text made once."""
        text = write_event(namespace, event, *content)
        for sid, eio_sid in self.get_participants(namespace, to):
            if sid != skip:
                self.server.eio.deliver(eio_sid, text)

    async def emit(
        self,
        event: str,
        data: object,
        namespace: str,
        *,
        room: str | list[str] | None = None,
        skip_sid: str | None = None,
        callback: None = None,
        **_ignored: object,
    ) -> None:
        """The library's way to do so: a tuple are several arguments. We never ask clients for acknowledgements."""
        assert callback is None
        content = data if isinstance(data, tuple) else (data,)
        self.tell(namespace, event, *content, to=room, skip=skip_sid)


class LiveServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio ships no types
    """An AsyncServer that believes nothing. `origins` are the exact ones a browser may come from (RFC 6454)."""

    def __init__(self, *, origins: frozenset[str], address_of: Callable[[web.Request], str] | None = None) -> None:
        super().__init__(
            client_manager=DirectManager(),
            async_mode="aiohttp",
            async_handlers=False,  # one message after another per socket: an offer before its candidates
            cors_allowed_origins=sorted(origins),
            http_compression=False,
            json=StrictJson,
            logger=library_log,
            engineio_logger=library_log,
            max_http_buffer_size=MAX_PACKET,
            monitor_clients=False,  # each line watches over itself
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
        )
        if address_of is not None:
            self.eio.address_of = address_of
        self.namespaces: list[str] = []  # none but those with a handler: by default "/" takes anybody

    async def hang_up(self, eio_sid: str) -> None:
        """Close a connection without waiting for the other end."""
        await self.eio.disconnect(eio_sid)

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        try:
            await super()._handle_eio_disconnect(eio_sid, reason)
        finally:
            await self._forget(eio_sid, reason)

    async def _forget(self, eio_sid: str, reason: str) -> None:
        """Leave nothing of a client: whose line broke while it was being let in is neither connected nor gone, says the
        library, and it stops where a namespace's farewell fails.
        """
        self.environ.pop(eio_sid, None)
        for namespace in list(self.manager.get_namespaces()):
            sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
            if sid is not None:
                await self.manager.disconnect(sid, namespace, ignore_queue=True)
                await self.namespace_handlers[namespace].trigger_event("disconnect", sid, reason)

    async def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        # 0 connect, 1 disconnect, 2 event: no binary, and no acknowledgements, for we ask for none.
        if not isinstance(data, str) or data[:1] not in ("0", "1", "2"):
            log.info("socket.hung_up", why="an unexpected packet")
            await self.hang_up(eio_sid)
            return
        try:
            told = read_event(data)
            if told is not None:
                await self._take(eio_sid, told)
            else:
                await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, IndexError, KeyError) as error:
            log.info("socket.hung_up", why=type(error).__name__)
            await self.hang_up(eio_sid)
        except Exception:
            log.exception("socket.failed")
            await self.hang_up(eio_sid)

    async def _take(self, eio_sid: str, told: Event) -> None:
        """Let the namespace answer an event, as the library would."""
        sid = self.manager.sid_from_eio_sid(eio_sid, told.namespace)
        if sid is None or not self.manager.is_connected(sid, told.namespace) or not _is_possible(told.content):
            return
        name, *content = told.content
        answer = await self.namespace_handlers[told.namespace].trigger_event(name, sid, *content)
        if told.number is not None and answer is not self.not_handled:
            self.eio.deliver(eio_sid, write_answer(told.namespace, told.number, answer))

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: object) -> None:
        if _is_possible(data):
            await super()._handle_event(eio_sid, namespace, id, data)


def _is_possible(data: object) -> bool:
    """Whether it is an event's name and content, and the name is one that clients may use."""
    if isinstance(data, list) and data and isinstance(data[0], str) and data[0] not in RESERVED:
        return True
    log.info("socket.event_dropped", why="a reserved or impossible name")
    return False
