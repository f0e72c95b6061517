"""What a session must not lose (`encounters.session_log`), taken to the room: each event once, in its order.

Every process follows the sessions of its own sockets. Whoever was away when an event was told gets it from the log.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from signaling.connection import Connection
from signaling.presence import SittingOf
from signaling.protocol import Done, Refusal
from signaling.protocol_recall import Beat, Logged, SessionLog
from signaling.protocol_recall import Missed as Ask
from teleconsult.accounts import SYSTEM
from teleconsult.db import Sessions, transaction
from teleconsult.encounters import actions
from teleconsult.encounters.queries import RoomSession
from teleconsult.encounters.session_log import Missed, SessionEvent, events_after, last_number, missed_by
from teleconsult.events import Event

WRITTEN: Final = "SessionEventWritten"

TellEvent = Callable[[uuid.UUID, Logged], Awaitable[bool]]
"""Tells an event to the room of a consult; False where nobody sits there any more."""


@dataclass(slots=True)
class Followed:
    """A session that somebody here sits in."""

    consult_id: uuid.UUID
    told: int
    """The last event that was told to its room."""
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)


class RecallPart:
    """A part of the room: `missed` and `beat`, and all that is told with a number."""

    def __init__(self, sessions: Sessions, *, sitting_of: SittingOf, tell_event: TellEvent) -> None:
        self._sessions, self._sitting_of, self._tell_event = sessions, sitting_of, tell_event
        self._followed: dict[uuid.UUID, Followed] = {}

    async def on_beat(self, connection: Connection, _message: Beat) -> Done | Refusal:
        """Answer who asks whether the line still stands, and whether they still sit here."""
        return Done() if self._sitting_of(connection) else Refusal("not-joined")

    async def on_missed(self, connection: Connection, message: Ask) -> SessionLog | Refusal:
        """Tell again what one socket did not hear."""
        sitting = self._sitting_of(connection)
        if sitting is None:
            return Refusal("not-joined")
        consult_id = sitting.seat.consult_id
        if consult_id is None:
            return Refusal("not-open")
        async with transaction(self._sessions, connection.actor) as session:
            live = await actions.session_for(session, connection.actor, consult_id)
        async with transaction(self._sessions, connection.actor) as session:
            told = await self.follow(session, live)
            return as_told(await missed_by(session, live, since=message.since, told=told))

    async def follow(self, session: AsyncSession, live: RoomSession) -> int:
        """Tell the room what happens from now on; the number of the last event that was told. Call it for who is in
        the room already, before you look at what they missed: what comes later is told.
        """
        followed = self._followed.get(live.encounter.id)
        if followed is None:
            last = await self._last_number(session, live)
            followed = self._followed.setdefault(live.encounter.id, Followed(live.consult_id, last))
        return followed.told

    async def _last_number(self, session: AsyncSession, live: RoomSession) -> int:
        if live.mine.part != "guest":
            return await last_number(session, live.encounter.id)
        async with transaction(self._sessions, SYSTEM) as own:  # a guest does not see every number
            return await last_number(own, live.encounter.id)

    async def hear(self, event: Event) -> None:
        """Somebody wrote an event, or may have while we could not hear."""
        if event.name == WRITTEN:
            await self.look(event.ids["encounter"])
        elif event.name == "Reconnected":
            for encounter_id in list(self._followed):
                await self.look(encounter_id)

    async def look(self, encounter_id: uuid.UUID) -> None:
        """Tell the room what is in the log and was not told."""
        followed = self._followed.get(encounter_id)
        if followed is None:
            return
        async with followed.looking:
            while events := await self._untold(encounter_id, followed.told):
                for event in events:
                    if not await self._tell_event(followed.consult_id, logged(event)):
                        self._followed.pop(encounter_id, None)
                        return
                    followed.told = event.number

    async def _untold(self, encounter_id: uuid.UUID, told: int) -> Sequence[SessionEvent]:
        async with transaction(self._sessions, SYSTEM) as session:
            return await events_after(session, encounter_id, told)


def as_told(missed: Missed) -> SessionLog:
    """As it travels."""
    return SessionLog(missed.last, tuple(logged(event) for event in missed.events), missed.is_whole)


def logged(event: SessionEvent) -> Logged:
    """One event as it travels."""
    return Logged(event.number, event.kind, event.body)
