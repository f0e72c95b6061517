"""Who waits in the room: said to the other side alone, once, when it is time, and not to who is there already."""

from datetime import timedelta

from sqlalchemy import update

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, leave_encounter
from teleconsult.encounters.models import EncounterParticipant
from teleconsult.messages.occasions import ARRIVAL
from teleconsult.settings import Settings
from tests import consult_steps, meeting_steps
from tests.news_steps import notices_of, told
from tests.people import Cast


async def arrives(sessions: Sessions, actor: Actor, consult: ServiceRequest) -> None:
    async with transaction(sessions, actor) as session:
        await arrive_encounter(session, actor, consult_id=consult.id)


async def leaves(sessions: Sessions, actor: Actor, consult: ServiceRequest, *, minutes_ago: int) -> None:
    async with transaction(sessions, actor) as session:
        await leave_encounter(session, actor, consult_id=consult.id, reason="left")
    async with transaction(sessions) as session:
        mine = EncounterParticipant.practitioner_role_id == actor.role_id
        left_at = now() - timedelta(minutes=minutes_ago)
        await session.execute(update(EncounterParticipant).where(mine).values(left_at=left_at))


async def test_the_other_side_alone_hears_and_once(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions, in_minutes=10)
    for _time in range(2):
        await arrives(sessions, cast.rural, consult)
    assert await told(settings, sessions, ARRIVAL) == {cast.specialist.role_id}
    arrivals = [one for one in await notices_of(sessions, cast.specialist) if one.occasion == ARRIVAL]
    assert len(arrivals) == 1
    await arrives(sessions, cast.specialist, consult)
    assert await told(settings, sessions, ARRIVAL) == {cast.specialist.role_id}, "the doctor is there and sees it"


async def test_days_before_it_is_a_try_of_the_camera(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions, in_minutes=48 * 60)
    await arrives(sessions, cast.rural, consult)
    assert await told(settings, sessions, ARRIVAL) == set()


async def test_a_bad_line_is_no_arrival_and_coming_back_is(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions, in_minutes=10)
    await arrives(sessions, cast.specialist, consult)
    await leaves(sessions, cast.specialist, consult, minutes_ago=1)
    await arrives(sessions, cast.rural, consult)
    assert await told(settings, sessions, ARRIVAL) == {cast.rural.role_id, cast.specialist.role_id}
    await leaves(sessions, cast.rural, consult, minutes_ago=0)
    async with transaction(sessions) as session:
        await session.execute(update(EncounterParticipant).values(left_at=now() - timedelta(minutes=30)))
    await arrives(sessions, cast.specialist, consult)
    assert ARRIVAL in {one.occasion for one in await notices_of(sessions, cast.rural)}


async def test_of_a_case_of_a_meeting_who_asked_hears_alone(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    """Those in its one call would be led out of it, into the room of a case that is not discussed."""
    meeting = await meeting_steps.planned(cast, sessions)
    case = await meeting_steps.listed(cast, sessions, meeting.id)
    async with transaction(sessions, cast.rural) as session:
        await arrive_encounter(session, cast.rural, consult_id=case.service_request_id)
    assert await told(settings, sessions, ARRIVAL) == set()
    async with transaction(sessions, cast.rural) as session:
        await leave_encounter(session, cast.rural, consult_id=case.service_request_id, reason="left")
    await meeting_steps.called(cast, sessions, case, cast.specialist, cast.oncall)
    assert await told(settings, sessions, ARRIVAL) == {cast.rural.role_id}
