"""How well the line of each participant held, as their browser measured it every few seconds: kept minute by minute.

A sample is twelve small numbers, so that an hour of both sides is less than a photograph. The words of the wire
(`signaling.protocol_net`) are kept as their places in `RUNGS` and `WHYS`: words are added at the end, none is moved.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.encounters.call_models import CallMinute
from teleconsult.encounters.models import EncounterParticipant

RUNGS: Final = ("hd", "480p", "360p", "240p", "stills", "audio")
"""What is sent, from good pictures to sound alone."""
WHYS: Final = ("opening", "fine", "weak", "device", "chosen")
PICTURES: Final = "stills"
SOUND: Final = "audio"

MOST_MINUTES: Final = 480
"""Of one participant and session; what comes after is not kept."""
WIDTH: Final = 12
_NOTHING: Final = -1
_MOST: Final = 32_767
_KILO: Final = 1_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. Shares are 0 to 1, rates bit/s, times ms where nothing else is said."""

    at: datetime
    rung: str
    why: str
    loss: float
    concealed: float
    round_trip: float | None
    jitter: float | None
    up: float
    down: float
    uplink: float | None
    silent: float
    """Seconds without any sound since the sample before."""
    freezes: int


def pack(sample: Sample) -> list[int]:
    """Its figures, in the order they are kept in. Raises ValueError for a word that is none of ours."""
    figures = (
        sample.at.second * 100 + sample.at.microsecond // 10_000,
        RUNGS.index(sample.rung),
        WHYS.index(sample.why),
        sample.loss * _KILO,
        sample.concealed * _KILO,
        sample.round_trip,
        sample.jitter,
        sample.up / _KILO,
        sample.down / _KILO,
        None if sample.uplink is None else sample.uplink / _KILO,
        sample.silent * 10,
        sample.freezes,
    )
    return [_NOTHING if figure is None else min(round(figure), _MOST) for figure in figures]


def unpack(begins_at: datetime, figures: Sequence[int]) -> list[Sample]:
    """The samples of a minute that began then."""
    return [_sample(begins_at, figures[start : start + WIDTH]) for start in range(0, len(figures), WIDTH)]


async def keep_samples(session: AsyncSession, measured: Mapping[uuid.UUID, Iterable[Sample]]) -> None:
    """Keep what was measured, by participant; those who are none any more, or have been there for ever, are left out.

    The system's own act, for many sessions at once.
    """
    minutes: dict[tuple[uuid.UUID, datetime], list[int]] = defaultdict(list)
    for participant_id, samples in measured.items():
        for sample in samples:
            minutes[participant_id, sample.at.replace(second=0, microsecond=0)] += pack(sample)
    kept = select(func.count()).where(CallMinute.participant_id == EncounterParticipant.id).scalar_subquery()
    among = (EncounterParticipant.id.in_(measured), kept < MOST_MINUTES)
    seats = (await session.scalars(select(EncounterParticipant).where(*among))).all()
    encounters = {seat.id: seat.encounter_id for seat in seats}
    rows = [
        {
            "id": uuid.uuid4(),
            "encounter_id": encounters[participant_id],
            "participant_id": participant_id,
            "begins_at": begins_at,
            "figures": figures,
        }
        for (participant_id, begins_at), figures in minutes.items()
        if participant_id in encounters
    ]
    if rows:
        added = insert(CallMinute).values(rows)
        await session.execute(
            added.on_conflict_do_update(
                index_elements=["participant_id", "begins_at"],
                set_={"figures": CallMinute.figures.concat(added.excluded.figures)},
            )
        )


async def samples_of(session: AsyncSession, encounter_id: uuid.UUID) -> dict[uuid.UUID, list[Sample]]:
    """What was measured in a session, by participant, in order. The caller has looked the session up."""
    found: dict[uuid.UUID, list[Sample]] = defaultdict(list)
    kept = select(CallMinute).where(CallMinute.encounter_id == encounter_id).order_by(CallMinute.begins_at)
    for minute in await session.scalars(kept):
        found[minute.participant_id] += sorted(unpack(minute.begins_at, minute.figures), key=lambda one: one.at)
    return found


def _sample(begins_at: datetime, figures: Sequence[int]) -> Sample:
    at, rung, why, loss, concealed, round_trip, jitter, up, down, uplink, silent, freezes = figures
    return Sample(
        at=begins_at + timedelta(milliseconds=at * 10),
        rung=RUNGS[rung],
        why=WHYS[why],
        loss=loss / _KILO,
        concealed=concealed / _KILO,
        round_trip=None if round_trip == _NOTHING else round_trip,
        jitter=None if jitter == _NOTHING else jitter,
        up=up * _KILO,
        down=down * _KILO,
        uplink=None if uplink == _NOTHING else uplink * _KILO,
        silent=silent / 10,
        freezes=freezes,
    )
