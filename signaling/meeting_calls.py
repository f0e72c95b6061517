"""The one call of a team meeting, as it goes from case to case (ADR 38).

Its members stay. Who belongs to one case alone comes in when that case is called, and is sent back to the room of their
own case when it is over, before anybody hears of the next one.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from signaling.presence import Sitting, SittingsIn, Tell, case_name
from signaling.protocol import Moved
from teleconsult.accounts import SYSTEM, Actor
from teleconsult.consults.models import ConsultMode
from teleconsult.db import Sessions, transaction
from teleconsult.encounters import actions
from teleconsult.encounters.queries import LiveSession, RoomSession
from teleconsult.errors import NotFound, Refused
from teleconsult.events import Event
from teleconsult.meetings.sitting import Table, sit_down, table_over, tables

MOVED: Final = "MeetingMoved"

SendBack = Callable[[Sitting], Awaitable[None]]
"""Has somebody stand up from where they sit; the others are told at once."""


class MeetingCalls:
    """Those of one process."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        everyone: Callable[[], Iterable[Sitting]],
        sittings_in: SittingsIn,
        tell: Tell,
        send_back: SendBack,
        turned_to: Callable[[uuid.UUID, uuid.UUID | None], Awaitable[None]],
        leave_case: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._sessions, self._everyone, self._sittings_in, self._tell = sessions, everyone, sittings_in, tell
        self._send_back, self._turned_to, self._leave_case = send_back, turned_to, leave_case
        self._turns: WeakValueDictionary[uuid.UUID, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def in_turn(self, meeting_id: uuid.UUID) -> AsyncIterator[None]:
        """Nobody takes a seat in this meeting while it goes on to another case, and the other way round."""
        turn = self._turns.setdefault(meeting_id, asyncio.Lock())
        async with turn:
            yield

    async def of_case(self, live: RoomSession) -> Table | None:
        """The meeting on whose list this session's consult stands."""
        if isinstance(live, LiveSession) and live.request.mode is not ConsultMode.MEETING:
            return None
        async with transaction(self._sessions, SYSTEM) as session:
            return await table_over(session, live.appointment.id)

    async def enter(self, actor: Actor, meeting_id: uuid.UUID) -> tuple[Table, RoomSession | None]:
        """A member comes in, and with them into the session of the case that is discussed now, where they may.

        Raises NotFound and Refused as `sit_down` does.
        """
        async with transaction(self._sessions, actor) as session:
            table = await sit_down(session, actor, meeting_id)
        if table.consult_id is None:
            return table, None
        try:
            async with transaction(self._sessions, actor) as session:
                return table, await actions.arrive_encounter(session, actor, consult_id=table.consult_id)
        except (NotFound, Refused):  # signed, called off, or the patient no longer agrees: the call goes on
            return table, None

    async def hear(self, event: Event) -> None:
        """A meeting went on, or may have while we could not hear."""
        if event.name == MOVED:
            await self.go_on(event.ids["meeting"])
        elif event.name == "Reconnected":
            for meeting_id in {one.seat.room_id for one in self._everyone() if _is_in_meeting(one)}:
                await self.go_on(meeting_id)

    async def look(self) -> None:
        """See that nobody sits over a case that is discussed no more, whether or not we were told."""
        over = [(one.seat.room_id, one.seat.consult_id) for one in self._everyone() if _is_in_meeting(one)]
        if not over:
            return
        async with transaction(self._sessions, SYSTEM) as session:
            found = await tables(session, {meeting_id for meeting_id, _ in over})
        for meeting_id, table in found.items():
            if any(room == meeting_id and consult not in (None, table.consult_id) for room, consult in over):
                await self.go_on(meeting_id)

    async def go_on(self, meeting_id: uuid.UUID) -> None:
        """Have everybody be where they belong now: those go whose case is over, then the others hear of the next."""
        async with self.in_turn(meeting_id):
            async with transaction(self._sessions, SYSTEM) as session:
                table = (await tables(session, {meeting_id})).get(meeting_id)
            consult_id = table.consult_id if table is not None else None
            await self.clear(meeting_id, consult_id)
            if table is None or not table.is_open:
                return  # who is in its call is turned out of it (`signaling.watch`)
            for sitting in list(self._sittings_in(meeting_id)):
                if sitting.seat.stays and sitting.seat.consult_id != consult_id:
                    await self.call_back(sitting, consult_id)
            if consult_id is not None:  # they waited in the room of their own case
                for sitting in list(self._sittings_in(consult_id)):
                    await self._tell("moved", Moved(consult_id), to=sitting.connection.sid)

    async def clear(self, meeting_id: uuid.UUID, consult_id: uuid.UUID | None) -> None:
        """Those go whose case is not the one that is discussed now, and of theirs nothing is recorded any more.

        In turn: before anybody comes in by a look at the meeting, too, as they may have looked before we were told.
        """
        for sitting in [one for one in self._everyone() if one.seat.room_id == meeting_id]:
            if not sitting.seat.stays and sitting.seat.consult_id != consult_id:
                await self._send_back(sitting)
        await self._turned_to(meeting_id, consult_id)

    async def call_back(self, sitting: Sitting, consult_id: uuid.UUID | None) -> None:
        """Have a member's page join again, over another case or none. Of the one before they hear no more."""
        sitting.seat.is_over = True
        if sitting.seat.consult_id is not None:
            await self._leave_case(sitting.connection.sid, case_name(sitting.seat.consult_id))
        await self._tell("moved", Moved(consult_id), to=sitting.connection.sid)


def _is_in_meeting(sitting: Sitting) -> bool:
    return sitting.seat.stays or sitting.seat.room_id != sitting.seat.consult_id
