"""Held or missed: found by who was there, said by the coordinator, and what goes on from there."""

import uuid

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.models import TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, leave_encounter, start_encounter
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.notes.drafting import open_note
from teleconsult.scheduling.attending import Missed, mark_missed, settle
from teleconsult.scheduling.booking import book_appointment, propose_time
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.encounters.attended import moved, was_there
from tests.teleconsult.scheduling.test_booking import SOON


async def settled(sessions: Sessions, settings: Settings, consult_id: uuid.UUID) -> AppointmentStatus | None:
    async with transaction(sessions) as session:
        return await settle(session, settings, consult_id=consult_id)


async def rows(sessions: Sessions, consult_id: uuid.UUID) -> tuple[Appointment, Encounter]:
    async with transaction(sessions) as session:
        found = select(Appointment, Encounter).join(Encounter, Encounter.appointment_id == Appointment.id)
        appointment, encounter = (await session.execute(found.where(Encounter.service_request_id == consult_id))).one()
        return appointment, encounter


async def state(sessions: Sessions, cast: Cast, consult_id: uuid.UUID) -> ConsultState:
    async with transaction(sessions) as session:
        return state_of(await consult_for(session, cast.rural, consult_id))


async def begun(sessions: Sessions, cast: Cast, consult_id: uuid.UUID) -> None:
    """Both came; the stays this leaves are not those a test asks about."""
    for actor in (cast.rural, cast.specialist):
        async with transaction(sessions) as session:
            await arrive_encounter(session, actor, consult_id=consult_id)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=consult_id)
    for actor in (cast.rural, cast.specialist):
        async with transaction(sessions) as session:
            await leave_encounter(session, actor, consult_id=consult_id, reason="lost")


@pytest.mark.parametrize(
    ("there", "missed"),
    [
        ([], Missed.NOBODY_CAME),
        (["rural"], Missed.NO_SPECIALIST),
        (["specialist"], Missed.NO_REQUESTER),
        (["rural", "specialist"], Missed.NOT_TOGETHER),
    ],
)
async def test_who_was_missing(
    cast: Cast, sessions: Sessions, settings: Settings, there: list[str], missed: Missed
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=16)
    for number, who in enumerate(there):
        await was_there(sessions, consult.id, getattr(cast, who), came=40 - 10 * number, went=35 - 10 * number)
    assert await settled(sessions, settings, consult.id) is AppointmentStatus.NOSHOW
    appointment, encounter = await rows(sessions, consult.id)
    assert (appointment.status, appointment.status_reason) == (AppointmentStatus.NOSHOW, missed)
    assert encounter.status is EncounterStatus.CANCELLED
    assert await state(sessions, cast, consult.id) is ConsultState.NO_SHOW
    async with transaction(sessions) as session:
        consult = await consult_for(session, cast.rural, consult.id)
        assert consult.task is not None
        assert consult.task.status is TaskStatus.ON_HOLD
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "session-missed"))).one()
        assert (event.detail["why"], event.account_id) == (missed, None)
    assert await settled(sessions, settings, consult.id) is None, "once"


async def test_trying_the_camera_hours_before_is_not_coming(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=16)
    for actor in (cast.rural, cast.specialist):
        await was_there(sessions, consult.id, actor, came=300, went=297)
    assert await settled(sessions, settings, consult.id) is AppointmentStatus.NOSHOW
    assert (await rows(sessions, consult.id))[0].status_reason == Missed.NOBODY_CAME


async def test_nothing_is_settled_before_its_time(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    assert await settled(sessions, settings, consult.id) is None
    await moved(sessions, consult.id, ended=14)
    assert await settled(sessions, settings, consult.id) is None
    assert await state(sessions, cast, consult.id) is ConsultState.SCHEDULED


async def test_who_waits_in_the_room_is_waited_with(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=100)
    await was_there(sessions, consult.id, cast.rural, came=130, went=None)
    assert await settled(sessions, settings, consult.id) is None
    await moved(sessions, consult.id, ended=121)
    assert await settled(sessions, settings, consult.id) is AppointmentStatus.NOSHOW
    assert (await rows(sessions, consult.id))[0].status_reason == Missed.NO_SPECIALIST


async def test_a_session_nobody_pressed_leave_in_ends_by_itself(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=-1)
    await was_there(sessions, consult.id, cast.rural, came=20, went=6)
    await was_there(sessions, consult.id, cast.specialist, came=18, went=None, seen=7)
    await begun(sessions, cast, consult.id)
    assert await settled(sessions, settings, consult.id) is None, "they were there a moment ago"


async def test_it_ended_when_the_last_of_them_went(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=-1)
    await was_there(sessions, consult.id, cast.rural, came=20, went=9)
    await was_there(sessions, consult.id, cast.specialist, came=18, went=None, seen=7)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=consult.id)
    assert await settled(sessions, settings, consult.id) is AppointmentStatus.FULFILLED
    _, encounter = await rows(sessions, consult.id)
    assert encounter.ended_at is not None
    assert 6.9 < (now() - encounter.ended_at).total_seconds() / 60 < 7.1
    assert await state(sessions, cast, consult.id) is ConsultState.UNSIGNED


@pytest.mark.parametrize(("alone_for", "became"), [(55, None), (65, AppointmentStatus.FULFILLED)])
async def test_a_page_that_was_forgotten_keeps_no_session_open(
    cast: Cast, sessions: Sessions, settings: Settings, alone_for: int, became: AppointmentStatus | None
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=60)
    await was_there(sessions, consult.id, cast.rural, came=90, went=None)
    await was_there(sessions, consult.id, cast.specialist, came=90, went=alone_for)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=consult.id)
    assert await settled(sessions, settings, consult.id) is became


async def test_a_moment_together_is_no_session(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=16)
    await was_there(sessions, consult.id, cast.rural, came=40, went=39.5)
    await was_there(sessions, consult.id, cast.specialist, came=40, went=39)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=consult.id)
    assert await settled(sessions, settings, consult.id) is AppointmentStatus.NOSHOW
    assert (await rows(sessions, consult.id))[0].status_reason == Missed.NOT_TOGETHER


async def test_who_met_hours_before_and_talked_had_their_session(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.booked(cast, sessions, in_minutes=300)
    for actor in (cast.rural, cast.specialist):
        await was_there(sessions, consult.id, actor, came=20, went=10)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=consult.id)
    assert await settled(sessions, settings, consult.id) is AppointmentStatus.FULFILLED


async def test_the_coordinator_says_it_and_proposes_another_time(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=-20)
    async with transaction(sessions, cast.coordinator) as session:
        await mark_missed(session, cast.coordinator, consult_id=consult.id)
    with pytest.raises(Refused):
        async with transaction(sessions, cast.coordinator) as session:
            await mark_missed(session, cast.coordinator, consult_id=consult.id)
    async with transaction(sessions, cast.coordinator) as session:
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=now() + SOON)
    assert await state(sessions, cast, consult.id) is ConsultState.ACCEPTED
    async with transaction(sessions, cast.coordinator) as session:
        await book_appointment(session, cast.coordinator, consult_id=consult.id)
    assert await state(sessions, cast, consult.id) is ConsultState.SCHEDULED
    async with transaction(sessions) as session:
        live = await arrive_encounter(session, cast.rural, consult_id=consult.id)
    assert live.encounter.status is not EncounterStatus.CANCELLED, "the new room"


async def test_what_a_person_said_stands_whoever_was_in_the_room(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=121)
    for person in (cast.rural, cast.specialist):
        await was_there(sessions, consult.id, person, came=150, went=125)
    async with transaction(sessions, cast.coordinator) as session:
        await mark_missed(session, cast.coordinator, consult_id=consult.id)
    assert await settled(sessions, settings, consult.id) is None
    assert (await rows(sessions, consult.id))[0].status is AppointmentStatus.NOSHOW


@pytest.mark.parametrize(
    ("who", "error"), [("rural", Forbidden), ("specialist", Forbidden), ("stranger", NotFound), ("admin", NotFound)]
)
async def test_it_is_the_coordinators_to_say(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=1)
    with pytest.raises(error):
        async with transaction(sessions) as session:
            await mark_missed(session, getattr(cast, who), consult_id=consult.id)


async def test_not_before_the_time_nor_once_it_has_begun(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    with pytest.raises(Refused, match="has not come yet"):
        async with transaction(sessions) as session:
            await mark_missed(session, cast.coordinator, consult_id=consult.id)
    await moved(sessions, consult.id, ended=-20)
    await begun(sessions, cast, consult.id)
    with pytest.raises(Refused, match="has begun"):
        async with transaction(sessions) as session:
            await mark_missed(session, cast.coordinator, consult_id=consult.id)


async def test_what_was_missed_can_be_answered_in_writing_or_called_off(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=16)
    await settled(sessions, settings, consult.id)
    async with transaction(sessions) as session:
        await open_note(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="The patient was transferred.")
    assert await state(sessions, cast, consult.id) is ConsultState.CANCELLED
