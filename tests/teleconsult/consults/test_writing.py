"""An answer in writing in place of a session."""

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ConsultMode, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, Verb, may, state_of
from teleconsult.consults.writing import ask_for_writing
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, start_encounter
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import consult_steps
from tests.people import Cast


@pytest.mark.parametrize("who", ["rural", "specialist"])
async def test_of_a_session_that_never_began_the_time_is_free_again(cast: Cast, sessions: Sessions, who: str) -> None:
    consult = await consult_steps.booked(cast, sessions)
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        await ask_for_writing(session, actor, consult_id=consult.id)
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.specialist, consult.id)
        assert (state_of(found), found.mode) == (ConsultState.ADVISING, ConsultMode.ADVICE)
        assert found.task
        assert found.task.status is TaskStatus.IN_PROGRESS
        assert may(found, cast.specialist, Verb.WRITE_NOTE)
        assert not may(found, cast.rural, Verb.JOIN)
        assert await session.scalar(select(Appointment.status)) is AppointmentStatus.CANCELLED
        assert await session.scalar(select(Encounter.status)) is EncounterStatus.CANCELLED
        audited = select(func.count()).where(AuditEvent.action == "mode-changed", AuditEvent.entity_id == consult.id)
        assert await session.scalar(audited) == 1


async def test_a_session_that_began_has_ended(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        for actor in (cast.rural, cast.specialist):
            await arrive_encounter(session, actor, consult_id=consult.id)
        await start_encounter(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions, cast.rural) as session:
        await ask_for_writing(session, cast.rural, consult_id=consult.id)
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.specialist, consult.id)
        assert state_of(found) is ConsultState.UNSIGNED
        assert await session.scalar(select(Appointment.status)) is AppointmentStatus.FULFILLED
        encounter = (await session.scalars(select(Encounter))).one()
        assert encounter.ended_at
        assert encounter.status is EncounterStatus.IN_PROGRESS, "they may come back until the note is signed"


async def test_twice(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        await ask_for_writing(session, cast.rural, consult_id=consult.id)
    async with transaction(sessions) as session:
        again = await ask_for_writing(session, cast.specialist, consult_id=consult.id)
        assert state_of(again) is ConsultState.ADVISING
        audited = select(func.count()).where(AuditEvent.action == "mode-changed")
        assert await session.scalar(audited) == 1


async def test_where_there_is_no_session(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await ask_for_writing(session, cast.rural, consult_id=consult.id)


async def test_who_has_no_part_in_it(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for actor, error in ((cast.coordinator, Forbidden), (cast.stranger, NotFound)):
        async with transaction(sessions) as session:
            with pytest.raises(error):
                await ask_for_writing(session, actor, consult_id=consult.id)
