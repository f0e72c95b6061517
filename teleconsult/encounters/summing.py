"""What a session comes to: how long it was held, who was cut off and for how long, whose link was weak."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean, median
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ServiceRequest
from teleconsult.encounters.attendance import (
    Span,
    Stay,
    interruptions_of,
    length_of,
    merged,
    spans_of,
    stays_of,
    together,
)
from teleconsult.encounters.models import Encounter, EncounterParticipant, GuestPass
from teleconsult.encounters.quality import PICTURES, RUNGS, SOUND, Sample, samples_of
from teleconsult.encounters.queries import Part, Seat, seats_of
from teleconsult.scheduling.models import Appointment

LONGEST_STEP: Final = timedelta(seconds=15)
"""A sample speaks for the time until the next one, but for no longer than this."""
HEARD_OUT: Final = 2.0
"""Seconds without any sound that count as an interruption."""
SETTLING: Final = timedelta(seconds=10)
"""After both have met, sound and picture may take so long to come."""

WEAK_LOSS: Final = 0.05
WEAK_CONCEALED: Final = 0.05
WEAK_ROUND_TRIP: Final = 600
"""ms."""
THIN: Final = RUNGS[RUNGS.index("240p") :]
"""Sent because the link carries no more: a weak one."""


class Step(NamedTuple):
    """Another rung of the ladder was taken."""

    at: datetime
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Side:
    """How one participant fared while both sides were there."""

    participant_id: uuid.UUID
    part: Part
    name: str
    there: list[Span]
    interruptions: list[Span]
    samples: Sequence[Sample]
    steps: list[Step]
    video: timedelta
    pictures: timedelta
    sound: timedelta
    weak: timedelta

    @property
    def round_trip(self) -> int | None:
        """ms: half the time it was longer."""
        known = [sample.round_trip for sample in self.samples if sample.round_trip is not None]
        return round(median(known)) if known else None

    @property
    def loss(self) -> float | None:
        """Share of the packets, on average."""
        return fmean(sample.loss for sample in self.samples) if self.samples else None


@dataclass(frozen=True, slots=True)
class Call:
    """A session, once it has begun."""

    encounter_id: uuid.UUID
    span: Span
    """From the first moment both were there to the last."""
    held: list[Span]
    """When both were there."""
    sides: tuple[Side, ...]
    guests: tuple[str, ...]
    interruptions: list[Span]
    """Of either side, each moment told once."""

    @property
    def length(self) -> timedelta:
        """How long both were there."""
        return length_of(self.held)


async def latest_call(session: AsyncSession, consult: ServiceRequest) -> Call | None:
    """The consult's last session that began; None where none did. The caller has looked the consult up."""
    found = (
        await session.execute(
            select(Encounter, Appointment)
            .join(Appointment, Appointment.id == Encounter.appointment_id)
            .where(Encounter.service_request_id == consult.id, Encounter.started_at.is_not(None))
            .order_by(Encounter.started_at.desc())
            .limit(1)
        )
    ).one_or_none()
    return await call_of(session, *found) if found is not None else None


async def call_of(session: AsyncSession, encounter: Encounter, appointment: Appointment) -> Call | None:
    """What a session comes to so far; None where both were never there together."""
    seats = await seats_of(session, appointment, encounter)
    two = [seat for seat in seats if seat.part != "guest"]
    stays = await stays_of(session, encounter.id)
    came = (
        select(GuestPass.name)
        .join(EncounterParticipant, EncounterParticipant.guest_pass_id == GuestPass.id)
        .where(EncounterParticipant.id.in_({stay.participant_id for stay in stays}))
        .order_by(GuestPass.created_at)
    )
    guests = tuple(await session.scalars(came))
    return summed(encounter.id, two, stays, await samples_of(session, encounter.id), guests=guests)


def summed(
    encounter_id: uuid.UUID,
    seats: Sequence[Seat],
    stays: Sequence[Stay],
    samples: Mapping[uuid.UUID, Sequence[Sample]],
    *,
    guests: tuple[str, ...] = (),
) -> Call | None:
    """The same of what was kept; `seats` are the two whose session it is."""
    there = {seat.participant.id: spans_of(stays, seat.participant.id) for seat in seats}
    held = together(*there.values()) if len(there) == 2 else []
    if not held:
        return None
    span = Span(held[0].start, held[-1].end)
    sides = tuple(_side(seat, there[seat.participant.id], stays, samples, held) for seat in seats)
    cut = merged(interruption for side in sides for interruption in side.interruptions)
    return Call(encounter_id, span, held, sides, guests, cut)


def is_weak(sample: Sample) -> bool:
    """Whether the link did poorly then: little is sent because it carries no more, or much of it is lost or late."""
    return (
        (sample.why == "weak" and sample.rung in THIN)
        or sample.loss >= WEAK_LOSS
        or sample.concealed >= WEAK_CONCEALED
        or (sample.round_trip or 0) >= WEAK_ROUND_TRIP
    )


def _side(
    seat: Seat,
    there: list[Span],
    stays: Sequence[Stay],
    samples: Mapping[uuid.UUID, Sequence[Sample]],
    held: list[Span],
) -> Side:
    participant_id = seat.participant.id
    mine = [one for one in samples.get(participant_id, ()) if any(span.start <= one.at <= span.end for span in held)]
    others = [one for other, some in samples.items() if other != participant_id for one in some]
    lost = [
        gap
        for gap in interruptions_of(stays, participant_id)
        if held[0].start <= gap.start < held[-1].end and not _is_heard(gap, others)
    ]
    lengths = dict(zip((sample.at for sample in mine), _lengths(mine, held[-1].end), strict=True))
    return Side(
        participant_id=participant_id,
        part=seat.part,
        name=seat.name,
        there=there,
        interruptions=merged([*lost, *_unheard(mine, held)]),
        samples=mine,
        steps=_steps(mine),
        video=_sum(lengths[one.at] for one in mine if one.rung not in (PICTURES, SOUND)),
        pictures=_sum(lengths[one.at] for one in mine if one.rung == PICTURES),
        sound=_sum(lengths[one.at] for one in mine if one.rung == SOUND),
        weak=_sum(lengths[one.at] for one in mine if is_weak(one)),
    )


def _lengths(samples: Sequence[Sample], end: datetime) -> list[timedelta]:
    """How long each of them speaks for."""
    until = [*(sample.at for sample in samples[1:]), end]
    return [min(max(after - one.at, timedelta()), LONGEST_STEP) for one, after in zip(samples, until, strict=False)]


def _steps(samples: Sequence[Sample]) -> list[Step]:
    return [
        Step(after.at, before.rung, after.rung, after.why)
        for before, after in pairwise(samples)
        if before.rung != after.rung
    ]


def _unheard(samples: Sequence[Sample], held: list[Span]) -> list[Span]:
    """When no sound arrived although both were there, and not only just."""
    silent = (Span(one.at - timedelta(seconds=one.silent), one.at) for one in samples if one.silent >= HEARD_OUT)
    return together(list(silent), [Span(span.start + SETTLING, span.end) for span in held])


def _is_heard(gap: Span, others: Sequence[Sample]) -> bool:
    """Whether the other side heard them all the same: only the way to the server was cut, and sound goes from person
    to person.
    """
    meanwhile = [one.silent for one in others if gap.start <= one.at <= gap.end + LONGEST_STEP]
    return bool(meanwhile) and max(meanwhile) < HEARD_OUT


def _sum(lengths: Iterable[timedelta]) -> timedelta:
    return sum(lengths, timedelta())
