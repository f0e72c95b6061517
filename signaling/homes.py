"""Which process a room lives in, where several serve: one of them at a time, and every page is led there.

The directory is PostgreSQL's own: whoever holds a room holds an advisory lock under its id, on a connection that bears
the process's name. A process that dies lets go with its connection, within the moment; nothing has to expire.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString, TypeVar
from urllib.parse import parse_qs

import psycopg
import structlog
from sqlalchemy import select

from teleconsult.accounts import SYSTEM
from teleconsult.db import Sessions, transaction
from teleconsult.meetings.models import STANDING, MeetingCase

PREFIX: Final = "teleconsult room server "
EVERY: Final = 2.0
"""Seconds after which it is looked whether the connection that holds our rooms is still there."""
PATIENCE: Final = 3.0
"""Seconds the database may take to answer: a line that went silent ends by itself a quarter of an hour later alone."""
MOST_A_SOCKET: Final = 4
"""Rooms that one socket may keep here: PostgreSQL has room for so many locks, and anybody can ask for any room."""
TAKE: Final[LiteralString] = "select pg_try_advisory_lock(%s)"
LET_GO: Final[LiteralString] = "select pg_advisory_unlock(%s)"
HOLDER: Final[LiteralString] = """
select activity.application_name from pg_locks lock join pg_stat_activity activity using (pid)
where lock.locktype = 'advisory' and lock.granted and lock.objsubid = 1
  and lock.database = (select oid from pg_database where datname = current_database())
  and (lock.classid::bigint << 32 | lock.objid::bigint) = %s
"""

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Homes:
    """The rooms of this process, each for as long as some socket is there for it."""

    def __init__(self, url: str, name: str, sessions: Sessions, *, lost: Callable[[str], Awaitable[None]]) -> None:
        """`name` is what the proxy calls this process. `lost` hears of each socket whose room another took."""
        self._url, self._name, self._sessions, self._lost = url, name, sessions, lost
        self._held: dict[uuid.UUID, set[str]] = {}
        self._connection: psycopg.AsyncConnection | None = None
        self._left: set[asyncio.Task[Any]] = set()
        self._turn = asyncio.Lock()
        self._is_leaving = False

    async def come(self, place_id: uuid.UUID, sid: str) -> str | None:
        """A socket comes for a consult or a meeting: None where its room is here from now on, else where it lives.

        An empty text: nobody knows just now, or this process is about to end. Ask again.
        """
        room_id = await self._room_of(place_id)
        async with self._turn:
            if self._is_leaving or self._connection is None:
                return ""
            if sum(sid in sids for sids in self._held.values() if sids is not self._held.get(room_id)) >= MOST_A_SOCKET:
                return ""
            if room_id not in self._held:
                try:
                    elsewhere = await self._answered(self._take(self._connection, room_id))
                except psycopg.Error:
                    return ""
                if elsewhere is not None:
                    return elsewhere
            self._held.setdefault(room_id, set()).add(sid)
            return None

    async def go(self, sid: str) -> None:
        """A socket is gone. The last one's room may begin anywhere."""
        async with self._turn:
            for room_id in [room_id for room_id, sids in self._held.items() if sid in sids]:
                self._held[room_id].discard(sid)
                if not self._held[room_id]:
                    del self._held[room_id]
                    if self._connection is not None:
                        with contextlib.suppress(psycopg.Error):
                            await self._answered(self._connection.execute(LET_GO, [_number(room_id)]))

    async def leave(self) -> None:
        """This process is about to end: its rooms may begin elsewhere at once, and no more come here."""
        async with self._turn:
            self._is_leaving = True
            self._held.clear()
            if self._connection is not None:
                await self._connection.close()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Inside the block the rooms are held, through a restart of the database too."""
        await self._look()
        task = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            task.cancel()
            for one in self._left:
                one.cancel()
            await asyncio.wait({task}, timeout=5)
            if self._connection is not None:
                await self._connection.close()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._look()
            except Exception:  # who is to look again must not have ended
                log.exception("homes.look_failed")

    async def _look(self) -> None:
        """Have a connection, and by it all rooms; those that another process took meanwhile are lost."""
        gone: frozenset[str] = frozenset()
        async with self._turn:
            if self._is_leaving:
                return
            try:
                if self._connection is not None:
                    await self._answered(self._connection.execute("select 1"))
                    return
            except psycopg.Error:
                log.warning("homes.lost_connection")
                self._connection = None
            try:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=5, application_name=f"{PREFIX}{self._name}"
                )
                gone = await self._answered(self._take_all(self._connection))
            except (psycopg.Error, OSError):
                connection, self._connection = self._connection, None
                if connection is not None:
                    await connection.close()
        for sid in gone:
            await self._lost(sid)

    async def _take_all(self, connection: psycopg.AsyncConnection) -> frozenset[str]:
        """Hold all rooms again, by a new connection; the sockets of those that another process took.

        Raises psycopg.Error, also as long as the database has not noticed the end of our former connection.
        """
        lost: set[uuid.UUID] = set()
        for room_id in self._held:
            holder = await self._take(connection, room_id)
            if holder == self._name:
                raise psycopg.OperationalError("our former connection stands yet")
            if holder is not None:
                lost.add(room_id)
        return frozenset().union(*(self._held.pop(room_id) for room_id in lost))

    async def _answered(self, work: Coroutine[Any, Any, T]) -> T:
        """What the database says, while it says anything. Raises psycopg.OperationalError, and has another connection
        made: what waits for a silent server is left alone, as who is cancelled waits for it to say so.
        """
        asking = asyncio.create_task(work)
        self._left.add(asking)
        asking.add_done_callback(self._forget)
        await asyncio.wait({asking}, timeout=PATIENCE)
        if not asking.done():
            self._connection = None
            raise psycopg.OperationalError("the database is silent")
        return asking.result()

    def _forget(self, asking: "asyncio.Task[Any]") -> None:
        self._left.discard(asking)
        if not asking.cancelled():
            asking.exception()

    async def _room_of(self, place_id: uuid.UUID) -> uuid.UUID:
        """A consult on the list of a meeting is talked about in that meeting's call."""
        query = select(MeetingCase.meeting_id).where(
            MeetingCase.service_request_id == place_id, MeetingCase.status.in_(STANDING)
        )
        async with transaction(self._sessions, SYSTEM) as session:
            return await session.scalar(query.limit(1)) or place_id

    async def _take(self, connection: psycopg.AsyncConnection, room_id: uuid.UUID) -> str | None:
        number = _number(room_id)
        row = await (await connection.execute(TAKE, [number])).fetchone()
        if row is not None and row[0]:
            return None
        row = await (await connection.execute(HOLDER, [number])).fetchone()
        return str(row[0]).removeprefix(PREFIX) if row else ""


def place_in(environ: dict[str, Any]) -> uuid.UUID | None:
    """The consult or the meeting that a page comes for, as its address says (`?room=…`)."""
    told = parse_qs(environ.get("QUERY_STRING", "")).get("room", [])
    try:
        return uuid.UUID(told[0]) if told else None
    except ValueError:
        return None


def _number(room_id: uuid.UUID) -> int:
    """64 bits of a random id, as a lock is called; positive, as `pg_locks` puts both halves together again."""
    return room_id.int >> 65
