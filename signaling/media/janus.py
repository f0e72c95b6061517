"""Janus, another program that passes on the media of rooms beyond what this process carries: whether it is there.

It is one media server beside the forwarder of our own. Where it is lost, rooms go by ours until it is back.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Self

import aiohttp
import structlog

from signaling.media.janus_line import JanusError, JanusLost, JanusSession, connected
from signaling.media.janus_room import JanusRoom, Made
from teleconsult.settings import Settings

KEEP_ALIVE_EVERY: Final = 15.0
"""Seconds; Janus forgets after sixty."""
AGAIN: Final = (1.0, 2.0, 5.0, 15.0)
"""Seconds before the next try; the last stands for all further ones."""

log = structlog.get_logger(__name__)


class Janus:
    """One of them."""

    def __init__(self, url: str, secret: str = "") -> None:
        self._url, self._secret = url, secret
        self._session: JanusSession | None = None
        self.changed: Callable[[], Awaitable[None]] = _nobody
        """Told when it is there, or no more."""

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """As `TELECONSULT_JANUS_URL` and `TELECONSULT_JANUS_SECRET` say."""
        return cls(settings.janus_url, settings.janus_secret) if settings.janus_url else None

    @property
    def is_up(self) -> bool:
        """Whether media can pass through it."""
        return self._session is not None

    def room(self, *, offered: Callable[[uuid.UUID, Made], Awaitable[None]], failed: Callable[[], None]) -> JanusRoom:
        """Another room. `offered` hears what is offered to whom; `failed`, that the room is of no use any more."""
        if self._session is None:
            raise JanusLost("not reached")
        return JanusRoom(self._session, self._secret, offered=offered, failed=failed)

    @contextlib.asynccontextmanager
    async def reached(self) -> AsyncIterator[None]:
        """Have it reached, and reached again, inside the block."""
        reaching = asyncio.create_task(self._reach())
        try:
            yield
        finally:
            reaching.cancel()
            await asyncio.wait({reaching})

    async def look(self) -> None:
        """Reach it once. Raises JanusError where it is not there, or does not take our secret."""
        async with aiohttp.ClientSession() as http:
            session = JanusSession(await connected(http, self._url, self._secret), self._secret)
            try:
                await session.begin()
                await (await session.attach()).ask("list", **({"admin_key": self._secret} if self._secret else {}))
            finally:
                await session.end()

    async def _reach(self) -> None:
        tries = 0
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    session = JanusSession(await connected(http, self._url, self._secret), self._secret)
                    try:
                        await session.begin()
                        tries = 0
                        await self._stay(session)
                    except asyncio.CancelledError:
                        await session.end()
                        raise
                    finally:
                        await session.drop()
                except JanusError as error:
                    if tries == 0:
                        log.warning("janus.lost", why=str(error))
                await asyncio.sleep(AGAIN[min(tries, len(AGAIN) - 1)])
                tries += 1

    async def _stay(self, session: JanusSession) -> None:
        self._session = session
        log.info("janus.reached")
        try:
            await self.changed()
            while True:
                await session.keep(KEEP_ALIVE_EVERY)
        finally:
            self._session = None
            await self.changed()


async def _nobody() -> None:
    """Nobody is told."""
