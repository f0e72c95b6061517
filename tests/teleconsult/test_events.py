"""Events: told at the commit and never after a rollback; and one can always stop listening."""

import asyncio
import uuid

import pytest

from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.events import Event, listening, tell
from tests.waiting import eventually


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def __call__(self, event: Event) -> None:
        self.events.append(event)

    async def until(self, name: str) -> None:
        assert await eventually(lambda: any(event.name == name for event in self.events))


async def told(sessions: Sessions, name: str) -> None:
    async with transaction(sessions) as session:
        await tell(session, name, consult=uuid.uuid4())


async def test_told_at_the_commit_and_not_after_a_rollback(database: DatabaseUrls, sessions: Sessions) -> None:
    heard = Heard()
    async with listening(database.app, heard):
        while not heard.events:  # until the listener's connection stands
            await told(sessions, "Ready")
            await asyncio.sleep(0.05)
        with pytest.raises(RuntimeError):
            async with transaction(sessions) as session:
                await tell(session, "Undone")
                raise RuntimeError
        await told(sessions, "Done")
        await heard.until("Done")
    assert "Undone" not in {event.name for event in heard.events}


async def test_a_listener_that_fails_does_not_stop_the_next_event(database: DatabaseUrls, sessions: Sessions) -> None:
    heard = Heard()

    async def failing(event: Event) -> None:
        await heard(event)
        raise RuntimeError

    async with listening(database.app, failing):
        while len(heard.events) < 3:
            await told(sessions, "Again")
            await asyncio.sleep(0.05)


async def test_listening_ends_whatever_arrives_in_that_moment(database: DatabaseUrls, sessions: Sessions) -> None:
    async def storm() -> None:
        while True:
            await told(sessions, "Storm")

    storming = asyncio.create_task(storm())
    try:
        for _round in range(25):
            heard = Heard()
            async with asyncio.timeout(60), listening(database.app, heard):
                await heard.until("Storm")
    finally:
        storming.cancel()
        await asyncio.wait({storming})
