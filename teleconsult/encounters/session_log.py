"""What happened in a live session and must not be lost: written in the act's own transaction, numbered without gaps.

The database gives the numbers, one encounter's events one after the other: who has heard the events up to a number has
missed nothing before it. `signaling.recall` tells them to the room; who was away asks for those since the last one
they hold. The chat and the records of an act stay where they are: this is what a page needs to catch up.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import FetchedValue, ForeignKey, UniqueConstraint, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.clock import now
from teleconsult.db import Base
from teleconsult.encounters.models import ChatMessage, Encounter, GuestPass
from teleconsult.encounters.queries import RoomSession
from teleconsult.events import tell

MOST: Final = 300
"""Events one is told at once; who missed more begins anew."""
TOLD_OTHERWISE: Final = ("chat", "room")
"""What the answer to who begins anew holds by itself."""


class SessionEvent(Base):
    """One event of one session, as it is told: `kind` is the message's name on the wire, `body` the message."""

    __tablename__ = "session_event"
    __table_args__ = (UniqueConstraint("encounter_id", "number"),)

    encounter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter.id"))
    number: Mapped[int] = mapped_column(server_default=FetchedValue())
    """From 1, given by the database."""
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Missed:
    """What somebody has to be told to be up to date with the event `last`."""

    events: Sequence[SessionEvent]
    last: int
    is_whole: bool
    """They begin anew: the chat and how the room stands must be told, too."""


async def log_event(session: AsyncSession, encounter: Encounter, kind: str, body: Mapping[str, Any]) -> int:
    """Write an event into the session's log and have everyone in the room told of it once this transaction commits.

    `kind` is one of `signaling.protocol.LOGGED`, `body` that message as it travels, with nothing clinical in it.
    Call it last: until the commit nobody else can write an event of this session. Returns its number.
    """
    values = {"encounter_id": encounter.id, "kind": kind, "body": dict(body), "at": now()}
    number: int = (
        await session.execute(insert(SessionEvent).values(id=uuid.uuid4(), **values).returning(SessionEvent.number))
    ).scalar_one()
    await tell(session, "SessionEventWritten", encounter=encounter.id)
    return number


def chat_as_told(line: ChatMessage, *, name: str) -> dict[str, Any]:
    """A line of the chat as it travels (`signaling.protocol.ChatLine`)."""
    ids = {"id": str(line.id), "sender": str(line.participant_id)}
    told = {**ids, "name": name, "text": line.text, "sent_at": line.sent_at.isoformat()}
    if line.file_kind is None:
        return told
    return {**told, "file": {"kind": line.file_kind.value, "size": line.file_size}}


def room_as_told(encounter: Encounter) -> dict[str, Any]:
    """How the session stands, as it travels (`signaling.protocol.Room`)."""
    if encounter.started_at is None:
        return {"state": "waiting"}
    state = "live" if encounter.ended_at is None else "ended"
    return {"state": state, "started_at": encounter.started_at.isoformat()}


async def missed_by(session: AsyncSession, live: RoomSession, *, since: int | None, told: int) -> Missed:
    """What happened since the event of that number, for who sits in the session; a guest's since they were let in.

    `told` is the last event that was told to the room before: of those up to it that are not among these, nobody else
    will be told.
    """
    mine = select(SessionEvent).where(SessionEvent.encounter_id == live.encounter.id)
    if live.mine.participant.guest_pass_id is not None:
        own_pass = select(GuestPass.admitted_at).where(GuestPass.id == live.mine.participant.guest_pass_id)
        mine = mine.where(SessionEvent.at >= own_pass.scalar_subquery())
    if since is not None:
        newer = mine.where(SessionEvent.number > since).order_by(SessionEvent.number).limit(MOST + 1)
        events = (await session.scalars(newer)).all()
        if len(events) <= MOST:
            return Missed(events, max([since, told, *(event.number for event in events)]), is_whole=False)
    newest = await session.scalar(mine.with_only_columns(func.max(SessionEvent.number)))
    if newest is None:
        return Missed((), told, is_whole=True)
    others = mine.where(SessionEvent.kind.not_in(TOLD_OTHERWISE)).order_by(SessionEvent.number.desc()).limit(MOST)
    events = (await session.scalars(others)).all()
    return Missed(events[::-1], max(newest, told), is_whole=True)


async def last_number(session: AsyncSession, encounter_id: uuid.UUID) -> int:
    """The number of the session's last event, 0 before the first."""
    query = select(func.max(SessionEvent.number)).where(SessionEvent.encounter_id == encounter_id)
    return await session.scalar(query) or 0


async def events_after(session: AsyncSession, encounter_id: uuid.UUID, number: int) -> Sequence[SessionEvent]:
    """The events that came after that one, in their order."""
    after = (SessionEvent.encounter_id == encounter_id, SessionEvent.number > number)
    return (await session.scalars(select(SessionEvent).where(*after).order_by(SessionEvent.number).limit(MOST))).all()
