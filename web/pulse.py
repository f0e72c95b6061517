"""Whether the database answers, asked beside everything else: no page waits for one that hangs.

A server that is frozen, or behind a line that went silent, keeps its sockets open; what waits for it waits until the
system gives the line up, a quarter of an hour later.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

import psycopg
import structlog
from aiohttp import web

from teleconsult.errors import Unavailable
from web.requests import SETTINGS

EVERY: Final = 1.0
"""Seconds between two questions."""
PATIENCE: Final = 3.5
"""Seconds an answer may take. With the pause before it, less than a person waits."""
OWN_DELAY: Final = 0.5
"""Seconds by which we may come late ourselves: beyond, it was not the database that was slow."""
CONNECT_SECONDS: Final = 2
LAST_WORDS: Final = 1.0
"""Seconds that a question may still take when the server ends."""

Done = TypeVar("Done")
log = structlog.get_logger(__name__)


def _silent() -> Unavailable:
    return Unavailable("The database does not answer. Try again in a moment.")


class Pulse:
    """Of one database, by a connection that is this question's own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._silence: asyncio.Future[None] | None = None
        self._asking: set[asyncio.Task[bool]] = set()
        """The question of now, and those before it that were never answered."""

    async def within(self, work: Awaitable[Done], request: web.Request | None = None) -> Done:
        """What `work` gives, as long as the database answers meanwhile; an answer to `request` that has begun goes on.

        Raises Unavailable when it has stopped; then `work` is cancelled, and ends when it can.
        """
        working = asyncio.ensure_future(work)
        if self._silence is None:
            return await working
        ends: set[asyncio.Future[Any]] = {working, self._silence}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:  # who asked has gone: what was begun for them is put back first
            working.cancel()
            working.add_done_callback(_forget)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            raise
        if working.done() or (request is not None and ANSWERING in request):
            return await working
        working.cancel()
        working.add_done_callback(_forget)
        raise _silent()

    def require(self) -> None:
        """Raise Unavailable while the database says nothing."""
        if self._silence is not None and self._silence.done():
            raise _silent()

    @asynccontextmanager
    async def felt(self) -> AsyncIterator[None]:
        """Ask inside the block."""
        self._silence = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._keep_asking())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._end_questions()
            if self._connection is not None:
                await self._connection.close()

    async def _keep_asking(self) -> None:
        while True:
            asking = asyncio.create_task(self._ask())
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)
            await self._wait_for(asking)
            if not asking.done():
                # Not cancelled: who is cancelled waits for the server to say so. Left alone, it ends with its line.
                self._connection = None
            self._note(is_answering=asking.done() and asking.result())
            await asyncio.sleep(EVERY)

    async def _end_questions(self) -> None:
        """None is asked any more: a connection that is closed under a question takes the process with it (libpq)."""
        if self._asking:
            await asyncio.wait(set(self._asking), timeout=LAST_WORDS)
        if self._asking:  # of a database that says nothing
            self._connection = None
            for asking in set(self._asking):
                asking.cancel()
            await asyncio.wait(set(self._asking), timeout=LAST_WORDS)

    async def _wait_for(self, asking: "asyncio.Task[bool]") -> None:
        """As long as an answer may take, counted anew where all of this process stood still meanwhile."""
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + PATIENCE
            await asyncio.wait({asking}, timeout=PATIENCE)
            if asking.done() or clock() <= due + OWN_DELAY:
                break

    async def _ask(self) -> bool:
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=CONNECT_SECONDS
                )
            await self._connection.execute("select 1")
        except (psycopg.Error, OSError):
            self._connection = None
            return False
        return True

    def _note(self, *, is_answering: bool) -> None:
        assert self._silence is not None  # it is felt
        if is_answering and self._silence.done():
            log.warning("database.answers_again")
            self._silence = asyncio.get_running_loop().create_future()
        elif not is_answering and not self._silence.done():
            log.warning("database.silent")
            self._silence.set_result(None)


def _forget(task: "asyncio.Future[Any]") -> None:
    """Whatever it ends with, somebody was told already."""
    if not task.cancelled():
        task.exception()


PULSE: Final = web.AppKey("pulse", Pulse)
ANSWERING: Final = web.RequestKey("answering", bool)
"""Of a request whose answer has begun: there is nothing else to be said any more."""


async def _begin(request: web.Request, _response: web.StreamResponse) -> None:
    request[ANSWERING] = True


def add_pulse(app: web.Application) -> None:
    """Have the application ask for as long as it runs."""
    app[PULSE] = pulse = Pulse(app[SETTINGS].database_url or "")

    async def felt(_app: web.Application) -> AsyncIterator[None]:
        async with pulse.felt():
            yield

    app.cleanup_ctx.append(felt)
    app.on_response_prepare.append(_begin)
