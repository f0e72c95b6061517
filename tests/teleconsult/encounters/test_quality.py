"""What browsers measured: kept small, in order, never without end."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from sqlalchemy import func, select

from signaling.ladder import RungName
from signaling.protocol_net import Why
from teleconsult.db import Sessions, transaction
from teleconsult.encounters import quality
from teleconsult.encounters.call_models import CallMinute
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.encounters.quality import RUNGS, WHYS, WIDTH, Sample, keep_samples, pack, samples_of, unpack
from tests import consult_steps
from tests.people import Cast

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def sample(after: float = 0, rung: str = "480p", why: str = "fine", **figures: float | None) -> Sample:
    """So many seconds after noon."""
    usual: dict[str, float | None] = {
        "loss": 0.012,
        "concealed": 0.0,
        "round_trip": 84,
        "jitter": None,
        "up": 610_000,
        "down": 580_000,
        "uplink": 900_000,
        "silent": 0.4,
        "freezes": 1,
    }
    return Sample(NOON + timedelta(seconds=after), rung, why, **(usual | figures))  # type: ignore[arg-type]  # by name


async def seat(cast: Cast, sessions: Sessions) -> tuple[Encounter, uuid.UUID]:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        room = (await session.scalars(select(Encounter).where(Encounter.service_request_id == consult.id))).one()
        who = select(EncounterParticipant.id).where(EncounterParticipant.encounter_id == room.id).limit(1)
        return room, (await session.scalars(who)).one()


def test_the_words_are_those_of_the_wire() -> None:
    assert get_args(RungName) == RUNGS
    assert get_args(Why) == WHYS


def test_a_sample_is_twelve_numbers_and_comes_back() -> None:
    one, other = sample(5.25), sample(59.99, "audio", "weak", round_trip=None, uplink=None, jitter=30)
    figures = pack(one) + pack(other)
    assert len(figures) == 2 * WIDTH
    assert unpack(NOON, figures) == [one, other]


def test_what_is_beyond_a_small_number_is_cut() -> None:
    [kept] = unpack(NOON, pack(sample(silent=86_400, up=1e9, round_trip=60_000)))
    assert (kept.silent, kept.up, kept.round_trip) == (3276.7, 32_767_000, 32_767)


async def test_samples_of_a_minute_are_one_row_however_often_they_come(cast: Cast, sessions: Sessions) -> None:
    room, who = await seat(cast, sessions)
    for seconds in ((0, 5), (10, 65)):
        async with transaction(sessions) as session:
            await keep_samples(session, {who: [sample(after) for after in seconds], uuid.uuid4(): [sample()]})
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count(CallMinute.id))) == 2
        kept = await samples_of(session, room.id)
    assert [one.at - NOON for one in kept[who]] == [timedelta(seconds=after) for after in (0, 5, 10, 65)]


async def test_no_session_is_kept_without_end(cast: Cast, sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MOST_MINUTES", 2)
    _, who = await seat(cast, sessions)
    for minute in range(4):
        async with transaction(sessions) as session:
            await keep_samples(session, {who: [sample(60 * minute)]})
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count(CallMinute.id))) == 2


async def test_nothing_measured_is_nothing_kept(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await keep_samples(session, {})
        assert await session.scalar(select(func.count(CallMinute.id))) == 0
