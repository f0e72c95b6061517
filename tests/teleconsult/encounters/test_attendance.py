"""Stays are kept truly: coming, going, another window, a server that was killed."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from teleconsult.accounts import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, leave_encounter, remove_participant
from teleconsult.encounters.attendance import (
    UNSEEN,
    Span,
    Stay,
    confirm,
    interruptions_of,
    length_of,
    merged,
    stays_of,
    together,
)
from teleconsult.encounters.call_models import Attendance, Departure
from tests import consult_steps
from tests.people import Cast

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def span(start: float, end: float) -> Span:
    """In minutes after noon."""
    return Span(NOON + timedelta(minutes=start), NOON + timedelta(minutes=end))


async def kept(sessions: Sessions) -> Sequence[Attendance]:
    async with transaction(sessions) as session:
        return (await session.scalars(select(Attendance).order_by(Attendance.came_at))).all()


async def arrive(sessions: Sessions, actor: Actor, consult_id: uuid.UUID) -> uuid.UUID:
    """Their participant id."""
    async with transaction(sessions, actor) as session:
        return (await arrive_encounter(session, actor, consult_id=consult_id)).mine.participant.id


async def test_each_coming_and_going_is_a_stay(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for reason in ("lost", "left"):
        await arrive(sessions, cast.rural, consult.id)
        async with transaction(sessions, cast.rural) as session:
            await leave_encounter(session, cast.rural, consult_id=consult.id, reason=reason)
    first, second = await kept(sessions)
    assert (first.how, second.how) == (Departure.LOST, Departure.LEFT)
    assert first.came_at <= first.went_at <= second.came_at <= second.went_at  # type: ignore[operator]  # all are set


async def test_another_window_of_theirs_is_the_same_stay(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    participant = await arrive(sessions, cast.rural, consult.id)
    await arrive(sessions, cast.rural, consult.id)
    async with transaction(sessions) as session:
        await remove_participant(session, participant_id=participant, reason="elsewhere")
    [stay] = await kept(sessions)
    assert stay.went_at is None, "they are there by the newer one"


async def test_who_is_turned_out_is_gone(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    participant = await arrive(sessions, cast.rural, consult.id)
    for _ in range(2):
        async with transaction(sessions) as session:
            await remove_participant(session, participant_id=participant, reason="signed-out")
    [stay] = await kept(sessions)
    assert stay.how is Departure.REMOVED


async def test_a_stay_that_a_killed_server_left_open_ended_when_it_was_last_seen(
    cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    participant = await arrive(sessions, cast.rural, consult.id)
    [stay] = await kept(sessions)
    async with transaction(sessions) as session:
        assert [one.how for one in await stays_of(session, stay.encounter_id)] == [None]
        await session.execute(update(Attendance).values(seen_at=now() - UNSEEN - timedelta(seconds=1)))
    async with transaction(sessions) as session:
        [seen] = await stays_of(session, stay.encounter_id)
        assert seen.how is Departure.LOST
        assert seen.span.end < now() - UNSEEN
    await arrive(sessions, cast.rural, consult.id)
    ended, going_on = sorted(await kept(sessions), key=lambda one: one.went_at is None)
    assert (ended.went_at, ended.how, going_on.how) == (ended.seen_at, Departure.LOST, None)
    async with transaction(sessions) as session:
        await confirm(session, [participant])
    assert {one.id: one.went_at for one in await kept(sessions)} == {ended.id: ended.went_at, going_on.id: None}


async def test_two_windows_at_once_make_one_stay(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await asyncio.gather(*(arrive(sessions, cast.rural, consult.id) for _ in range(3)))
    assert len(await kept(sessions)) == 1


async def test_what_stays_hang_on_is_written_once(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await arrive(sessions, cast.rural, consult.id)
    with pytest.raises(Exception, match="cannot be changed"):
        async with transaction(sessions) as session:
            await session.execute(update(Attendance).values(came_at=NOON))


def test_spans() -> None:
    one, other = [span(0, 10), span(20, 30)], [span(5, 25)]
    assert together(one, other) == [span(5, 10), span(20, 25)]
    assert length_of(together(one, other)) == timedelta(minutes=10)
    assert together(one, []) == []
    assert merged([span(5, 8), span(0, 6), span(9, 10)]) == [span(0, 8), span(9, 10)]


def test_an_interruption_is_a_line_lost_that_came_back() -> None:
    who = uuid.uuid4()
    stays = [
        Stay(who, span(0, 5), Departure.LOST),
        Stay(who, span(6, 10), Departure.LEFT),
        Stay(uuid.uuid4(), span(0, 5), Departure.LOST),
        Stay(who, span(12, 15), Departure.LOST),
        Stay(who, span(26, 30), Departure.LOST),
    ]
    assert interruptions_of(stays, who) == [span(5, 6)]
