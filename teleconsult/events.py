"""What happened, told between processes by PostgreSQL's NOTIFY: ids only, after the commit, never before.

An event is a hint to look again. What must arrive is a job (`teleconsult.jobs`).
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

CHANNEL: Final = "teleconsult"
URGENT: Final = "teleconsult_urgent"
"""A line of its own for what must not wait behind other news: whoever is called for an emergency."""
AT_ONCE: Final = frozenset({"EmergencyRings"})
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """A past-tense name and the ids it concerns."""

    name: str
    ids: dict[str, uuid.UUID]


Listener = Callable[[Event], Awaitable[None]]


async def tell(session: AsyncSession, name: str, /, **ids: uuid.UUID | None) -> None:
    """Tell every process once this transaction commits. Nothing is told when it rolls back."""
    payload = json.dumps({"name": name, "ids": {key: str(value) for key, value in ids.items() if value}})
    channel = URGENT if name in AT_ONCE else CHANNEL
    await session.execute(text("select pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload})


def parse_event(payload: str) -> Event:
    """Read back what `tell` wrote."""
    content = json.loads(payload)
    return Event(content["name"], {key: uuid.UUID(value) for key, value in content["ids"].items()})


@asynccontextmanager
async def listening(url: str, listener: Listener, *, channel: str = CHANNEL) -> AsyncIterator[None]:
    """Hand every event of a channel to `listener` inside the block."""
    task = asyncio.create_task(listen(url, listener, channel=channel))
    try:
        yield
    finally:
        # Before Python 3.12 `wait_for` can lose a cancellation that comes just as its wait ends: ask until it is heard.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1)


async def listen(url: str, listener: Listener, *, channel: str = CHANNEL) -> None:
    """Hand every event to `listener`, for ever; reconnect when the database went away.

    A listener that raises is logged and does not stop the next event. After a reconnect the event
    `Reconnected` is handed over: whoever follows should look again at everything.
    """
    delay = 0.5
    first = True
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5)
            async with connection:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                if not first:
                    await _hand_over(listener, Event("Reconnected", {}))
                first, delay = False, 0.5
                async for notice in connection.notifies():
                    await _hand_over(listener, parse_event(notice.payload))
        except (psycopg.Error, OSError) as error:
            log.warning("events.lost_connection", error=type(error).__name__)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10)


async def _hand_over(listener: Listener, event: Event) -> None:
    try:
        await asyncio.wait_for(listener(event), timeout=10)
    except TimeoutError:
        log.warning("events.listener_slow", event_name=event.name)
    except Exception:
        log.exception("events.listener_failed", event_name=event.name)
