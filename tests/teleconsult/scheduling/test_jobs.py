"""Every minute: what is due is settled, and the rest is left alone."""

from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import start_encounter
from teleconsult.scheduling.jobs import settle_due
from teleconsult.scheduling.models import AppointmentStatus
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.encounters.attended import moved, was_there


async def test_what_is_due_is_found(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    missed = await consult_steps.booked(cast, sessions, in_minutes=60)
    await moved(sessions, missed.id, ended=16)
    held = await consult_steps.booked(cast, sessions, in_minutes=-10)
    for actor in (cast.rural, cast.specialist):
        await was_there(sessions, held.id, actor, came=9, went=6)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=held.id)
    await consult_steps.booked(cast, sessions, in_minutes=120)
    assert await settle_due(sessions, settings) == {
        missed.id: AppointmentStatus.NOSHOW,
        held.id: AppointmentStatus.FULFILLED,
    }
    assert await settle_due(sessions, settings) == {}
