"""Who was in the room from when to when: kept stay by stay, and what the stays of both sides come to."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from sqlalchemy import ScalarSelect, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.db import is_one_of
from teleconsult.encounters.call_models import Attendance, Departure
from teleconsult.encounters.models import EncounterParticipant

UNSEEN: Final = timedelta(minutes=3)
"""An open stay that was not confirmed for so long ended when it last was: its server was killed."""

LONGEST_INTERRUPTION: Final = timedelta(minutes=10)
"""Who comes back later comes anew."""


class Span(NamedTuple):
    """From when to when."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay in the room, as it looks at some moment."""

    participant_id: uuid.UUID
    span: Span
    how: Departure | None
    """None while they are there."""


async def come(session: AsyncSession, participant: EncounterParticipant) -> None:
    """They are in the room from now on. By another window as well, it is the same stay."""
    if await _begin_stay(session, participant):
        return
    closed = await session.execute(
        update(Attendance)
        .where(
            Attendance.participant_id == participant.id,
            Attendance.went_at.is_(None),
            Attendance.seen_at < now() - UNSEEN,
        )
        .values(went_at=Attendance.seen_at, how=Departure.LOST)
        .returning(Attendance.id)
    )
    if closed.first() is not None:
        await _begin_stay(session, participant)


async def _begin_stay(session: AsyncSession, participant: EncounterParticipant) -> bool:
    """Unless one is open: then False."""
    moment = now()
    stay = {"encounter_id": participant.encounter_id, "participant_id": participant.id}
    begun = await session.execute(
        insert(Attendance)
        .values(id=uuid.uuid4(), came_at=moment, seen_at=moment, **stay)
        .on_conflict_do_nothing(index_elements=["participant_id"], index_where=Attendance.went_at.is_(None))
        .returning(Attendance.id)
    )
    return begun.first() is not None


async def go(session: AsyncSession, participant_id: uuid.UUID, how: Departure) -> None:
    """They are in the room no longer; twice is as good as once."""
    moment = now()
    await session.execute(
        update(Attendance)
        .where(Attendance.participant_id == participant_id, Attendance.went_at.is_(None))
        .values(seen_at=moment, went_at=moment, how=how)
    )


async def all_gone(session: AsyncSession, encounter_id: uuid.UUID | ScalarSelect[uuid.UUID]) -> None:
    """Every open stay of that session ends now: what they were there for is over."""
    moment = now()
    held = Attendance.encounter_id == encounter_id, Attendance.went_at.is_(None)
    here = select(Attendance.participant_id).where(*held)
    await session.execute(update(EncounterParticipant).where(EncounterParticipant.id.in_(here)).values(left_at=moment))
    await session.execute(update(Attendance).where(*held).values(seen_at=moment, went_at=moment, how=Departure.LEFT))


async def confirm(session: AsyncSession, participant_ids: Iterable[uuid.UUID]) -> None:
    """They are still there: asked for all of a process at once, each minute.

    Who sits there and has no open stay has one from now on: an old line's end may have been noted after a new one's
    beginning.
    """
    moment, there = now(), list(participant_ids)
    await session.execute(
        update(Attendance)
        .where(is_one_of(Attendance.participant_id, there), Attendance.went_at.is_(None))
        .values(seen_at=moment)
    )
    seated = select(
        func.gen_random_uuid(),
        EncounterParticipant.encounter_id,
        EncounterParticipant.id,
        literal(moment),
        literal(moment),
    ).where(is_one_of(EncounterParticipant.id, there))
    await session.execute(
        insert(Attendance)
        .from_select(["id", "encounter_id", "participant_id", "came_at", "seen_at"], seated)
        .on_conflict_do_nothing(index_elements=["participant_id"], index_where=Attendance.went_at.is_(None))
    )


async def stays_of(session: AsyncSession, encounter_id: uuid.UUID) -> list[Stay]:
    """All stays of a session as they look now, in order. The caller has looked the session up."""
    moment = now()
    kept = await session.scalars(
        select(Attendance).where(Attendance.encounter_id == encounter_id).order_by(Attendance.came_at, Attendance.id)
    )
    return [_as_of(one, moment) for one in kept]


def _as_of(kept: Attendance, moment: datetime) -> Stay:
    if kept.went_at is not None:
        return Stay(kept.participant_id, Span(kept.came_at, kept.went_at), kept.how)
    if moment - kept.seen_at > UNSEEN:
        return Stay(kept.participant_id, Span(kept.came_at, kept.seen_at), Departure.LOST)
    return Stay(kept.participant_id, Span(kept.came_at, max(moment, kept.came_at)), None)


def spans_of(stays: Iterable[Stay], participant_id: uuid.UUID) -> list[Span]:
    """When one of them was there, in order."""
    return [stay.span for stay in stays if stay.participant_id == participant_id]


def together(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """When both were there, in order."""
    met = (Span(max(a.start, b.start), min(a.end, b.end)) for a in one for b in other)
    return sorted(span for span in met if span.start < span.end)


def length_of(spans: Iterable[Span]) -> timedelta:
    """How long spans that do not overlap are in all."""
    return sum((span.length for span in spans), timedelta())


def interruptions_of(stays: Iterable[Stay], participant_id: uuid.UUID) -> list[Span]:
    """When somebody was away because the line, the page or the device went, and soon came back."""
    mine = [stay for stay in stays if stay.participant_id == participant_id]
    lost = [Span(before.span.end, after.span.start) for before, after in pairwise(mine) if before.how is Departure.LOST]
    return [span for span in lost if span.length <= LONGEST_INTERRUPTION]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time, told once where spans overlap or touch."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
