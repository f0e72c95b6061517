"""What is kept of a call while it runs: in batches, once, and to the last of it when the process ends in order."""

import uuid

import pytest
from sqlalchemy import func, select, text, update

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.attendance import UNSEEN
from teleconsult.encounters.call_models import Attendance, CallMinute
from teleconsult.encounters.quality import WIDTH, samples_of
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite
from tests.signaling.test_net import REPORT
from tests.signaling.test_room import both_in
from tests.signaling.visitors import VisitorMaker


async def figures(sessions: Sessions) -> int:
    """How many samples are kept."""
    async with transaction(sessions) as session:
        kept = await session.scalar(select(func.sum(func.cardinality(CallMinute.figures))))
    return (kept or 0) // WIDTH


async def test_nothing_is_written_message_by_message(
    visit: VisitorMaker, booking: Booking, site: LiveSite, sessions: Sessions
) -> None:
    rural, specialist, first, second = await both_in(visit, booking)
    for visitor in (rural, specialist, rural):
        await visitor.ask("net", REPORT)
    assert await figures(sessions) == 0
    for _ in range(2):
        await site.live.keeper.write()
    assert await figures(sessions) == 3
    async with transaction(sessions) as session:
        kept = await samples_of(session, booking.encounter.id)
    assert {who: len(samples) for who, samples in kept.items()} == {
        uuid.UUID(first["pid"]): 2,
        uuid.UUID(second["pid"]): 1,
    }


async def test_who_sits_there_is_known_to_be_there(
    visit: VisitorMaker, booking: Booking, site: LiveSite, sessions: Sessions
) -> None:
    await both_in(visit, booking)
    async with transaction(sessions) as session:
        await session.execute(update(Attendance).values(seen_at=now() - UNSEEN))
    await site.live.keeper.write()
    async with transaction(sessions) as session:
        seen = (await session.scalars(select(Attendance.seen_at))).all()
    assert len(seen) == 2
    assert all(now() - moment < UNSEEN / 2 for moment in seen)


async def test_the_end_of_the_process_loses_nothing(
    visit: VisitorMaker, booking: Booking, site: LiveSite, sessions: Sessions
) -> None:
    rural, *_ = await both_in(visit, booking)
    await rural.ask("net", REPORT)
    await site.live.close()
    assert await figures(sessions) == 1
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(Attendance.went_at.is_(None))) == 0


async def test_a_database_that_is_away_is_waited_for(
    visit: VisitorMaker, booking: Booking, site: LiveSite, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    rural, *_ = await both_in(visit, booking)
    await rural.ask("net", REPORT)
    keeper = site.live.keeper
    with monkeypatch.context() as broken:
        broken.setattr(keeper, "_seated", lambda: [text("no id at all")])
        await keeper.write()
    assert await figures(sessions) == 0
    await keeper.write()
    assert await figures(sessions) == 1
