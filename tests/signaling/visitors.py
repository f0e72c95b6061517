"""Clients of the live server, as a browser or a machine would be one: real python-socketio over a real socket."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import socketio

from tests.waiting import PATIENCE


class Visitor:
    """One Socket.IO client; keeps every message it hears."""

    def __init__(self, url: str, *, namespace: str, headers: dict[str, str], auth: Any = None) -> None:
        self.url, self.namespace, self.headers, self.auth = url, namespace, headers, auth
        self.page = uuid.uuid4()
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.numbers: list[int] = []
        """Of the session's log, as they came."""
        self.gone = asyncio.Event()
        self.client = socketio.AsyncClient(reconnection=False)
        self.client.on("*", self._hear, namespace=namespace)
        self.client.on("disconnect", self._end, namespace=namespace)

    async def connect(self, *, transports: tuple[str, ...] = ("websocket",)) -> None:
        """Connect; raises socketio.exceptions.ConnectionError when refused."""
        await self.client.connect(
            self.url,
            headers=self.headers,
            auth=self.auth,
            namespaces=[self.namespace],
            transports=list(transports),
            wait_timeout=PATIENCE,
        )

    async def ask(self, event: str, message: Any) -> dict[str, Any]:
        """Send a message and return its answer."""
        answer: dict[str, Any] = await self.client.call(event, message, namespace=self.namespace, timeout=PATIENCE)
        return answer

    async def join(self, consult: uuid.UUID, **changes: Any) -> dict[str, Any]:
        """Enter the room."""
        message = {"consult": str(consult), "page": str(self.page), "audio": True, "video": True}
        return await self.ask("join", message | changes)

    async def next(self, event: str) -> Any:
        """The next message of that name; others before it are passed over."""
        while True:
            name, message = await asyncio.wait_for(self.heard.get(), PATIENCE)
            if name == event:
                return message

    async def hears_nothing(self, event: str, *, within: float = 0.3) -> bool:
        """Whether no such message comes for a while."""
        await asyncio.sleep(within)
        return all(name != event for name, _ in list(self.heard._queue))  # type: ignore[attr-defined]  # a peek

    async def send_raw(self, packet: str) -> None:
        """Send an Engine.IO message as it stands, past the client library's own checks."""
        await self.client.eio.send(packet)

    async def close(self) -> None:
        """Go away."""
        await self.client.disconnect()

    async def _hear(self, event: str, message: Any = None, number: int | None = None) -> None:
        self.heard.put_nowait((event, message))
        if number is not None:
            self.numbers.append(number)

    async def _end(self, *_reason: object) -> None:
        self.gone.set()


VisitorMaker = Callable[..., Awaitable[Visitor]]
