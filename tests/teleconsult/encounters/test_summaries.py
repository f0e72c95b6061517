"""The sums of a session: made once it has ended, made anew when it went on and ended again."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import start_encounter
from teleconsult.encounters.call_models import CallSummary
from teleconsult.encounters.models import Encounter
from teleconsult.encounters.quality import keep_samples
from teleconsult.encounters.summaries import sum_up_ended
from teleconsult.scheduling.attending import settle
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.encounters.attended import moved, was_there
from tests.teleconsult.encounters.test_quality import sample


async def kept(sessions: Sessions) -> list[CallSummary]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(CallSummary).order_by(CallSummary.video_seconds.desc())))


async def test_each_side_is_summed_up_once(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=-1)
    await was_there(sessions, consult.id, cast.specialist, came=30, went=10)
    await was_there(sessions, consult.id, cast.rural, came=30, went=20)
    await was_there(sessions, consult.id, cast.rural, came=19, went=10)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=consult.id)
        seats = (await session.scalars(select(Encounter))).one()
    assert await sum_up_ended(sessions) == 0, "it goes on"
    async with transaction(sessions) as session:
        await settle(session, settings, consult_id=consult.id)
    assert await sum_up_ended(sessions) == 1
    assert await sum_up_ended(sessions) == 0
    one, other = await kept(sessions)
    assert one.encounter_id == other.encounter_id == seats.id
    assert (one.seconds, other.seconds) == (1140, 1140)
    assert sorted((one.interruptions, other.interruptions)) == [0, 1]
    assert (one.round_trip, one.loss) == (None, None), "nothing was measured"


async def test_what_went_on_is_summed_up_anew(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=-1)
    for who in (cast.specialist, cast.rural):
        await was_there(sessions, consult.id, who, came=30, went=20)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=consult.id)
        await settle(session, settings, consult_id=consult.id)
    await sum_up_ended(sessions)
    [first, _] = await kept(sessions)
    assert first.seconds == 600
    for who in (cast.specialist, cast.rural):
        await was_there(sessions, consult.id, who, came=10, went=5)
    began = now() - timedelta(minutes=9)
    async with transaction(sessions) as session:
        await keep_samples(session, {first.participant_id: [replace(sample(), at=began)]})
        await session.execute(update(Encounter).values(ended_at=now() - timedelta(minutes=5)))
    assert await sum_up_ended(sessions) == 1
    first, second = await kept(sessions)
    assert (first.seconds, second.seconds) == (900, 900)
    assert (first.video_seconds, first.round_trip, first.loss) == (15, 84, 12)
