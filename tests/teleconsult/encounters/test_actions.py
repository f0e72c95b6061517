"""Arriving, starting, leaving, writing and finishing: who may, when, and what is kept of it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import (
    arrive_encounter,
    finish_encounter,
    leave_encounter,
    plan_encounter,
    say,
    start_encounter,
)
from teleconsult.encounters.models import ChatMessage, Encounter, EncounterStatus
from teleconsult.encounters.queries import LiveSession, chat_of, encounter_for
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import consult_steps
from tests.kept_rows import KeptRows
from tests.people import Cast


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, kept_rows: KeptRows) -> ServiceRequest:
    """A booked consult."""
    return await consult_steps.booked_lately(cast, sessions, kept_rows)


async def act(
    sessions: Sessions, verb: Callable[..., Awaitable[LiveSession]], actor: Actor, **rest: object
) -> LiveSession:
    """Do it in a transaction of its own."""
    async with transaction(sessions) as session:
        return await verb(session, actor, **rest)


async def both_started(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> LiveSession:
    """Both arrived, the session runs."""
    for actor in (cast.rural, cast.specialist):
        await act(sessions, arrive_encounter, actor, consult_id=consult.id)
    return await act(sessions, start_encounter, cast.specialist, consult_id=consult.id)


async def state(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> ConsultState:
    """The consult's state as its page shows it."""
    async with transaction(sessions) as session:
        return state_of(await consult_for(session, cast.rural, consult.id))


async def audited(sessions: Sessions, entity: uuid.UUID) -> list[str]:
    """What the audit holds of an encounter, in order."""
    async with transaction(sessions) as session:
        rows = select(AuditEvent.action).where(AuditEvent.entity_id == entity).order_by(AuditEvent.recorded_at)
        return list(await session.scalars(rows))


async def test_the_room_has_a_seat_for_each_side(db: AsyncSession, cast: Cast, consult: ServiceRequest) -> None:
    live = await encounter_for(db, cast.rural, consult.id)
    assert live.is_open
    assert (live.mine.part, live.mine.name) == ("requester", cast.rural.name)
    assert [(seat.part, seat.name) for seat in live.others] == [("specialist", cast.specialist.name)]


@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_nobody_else_finds_it(db: AsyncSession, cast: Cast, consult: ServiceRequest, who: str) -> None:
    outsider: Actor = getattr(cast, who)
    for verb in (arrive_encounter, start_encounter):
        with pytest.raises(NotFound):
            await verb(db, outsider, consult_id=consult.id)
    with pytest.raises(NotFound):
        await leave_encounter(db, outsider, consult_id=consult.id, reason="left")
    with pytest.raises(NotFound):
        await say(db, outsider, consult_id=consult.id, message_id=uuid.uuid4(), text="hello")


async def test_planning_twice_gives_one_room(db: AsyncSession, cast: Cast, consult: ServiceRequest) -> None:
    live = await encounter_for(db, cast.rural, consult.id)
    again = await plan_encounter(
        db, cast.coordinator, request=live.request, task=live.task, appointment=live.appointment
    )
    assert again is live.encounter
    assert await db.scalar(select(func.count()).select_from(Encounter)) == 1


async def test_it_begins_with_the_coming_of_the_second(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    first = await act(sessions, arrive_encounter, cast.rural, consult_id=consult.id)
    there = [first.mine.participant.id]
    again = await act(sessions, arrive_encounter, cast.rural, consult_id=consult.id, there=there)
    assert again.encounter.started_at is None, "one person twice is not both"
    live = await act(sessions, arrive_encounter, cast.specialist, consult_id=consult.id, there=there)
    assert live.is_running
    assert await state(sessions, cast, consult) is ConsultState.IN_SESSION
    once_more = await act(sessions, arrive_encounter, cast.rural, consult_id=consult.id, there=there)
    assert once_more.encounter.started_at == live.encounter.started_at
    assert (await audited(sessions, live.encounter.id)).count("encounter-started") == 1


async def test_the_requesters_coming_is_the_patients_arrival(
    sessions: Sessions, cast: Cast, consult: ServiceRequest
) -> None:
    live = await act(sessions, arrive_encounter, cast.specialist, consult_id=consult.id)
    assert live.encounter.status is EncounterStatus.PLANNED, "a specialist who is early only waits"
    for _ in range(2):
        live = await act(sessions, arrive_encounter, cast.rural, consult_id=consult.id)
    assert live.encounter.status is EncounterStatus.ARRIVED
    assert live.appointment.status is AppointmentStatus.ARRIVED
    assert await state(sessions, cast, consult) is ConsultState.ARRIVED
    assert await audited(sessions, live.encounter.id) == [
        "encounter-planned", "encounter-arrived", "encounter-arrived", "encounter-rejoined",
    ]  # fmt: skip


async def test_trying_the_camera_the_day_before_is_not_waiting(sessions: Sessions, cast: Cast) -> None:
    early = await consult_steps.booked(cast, sessions, in_minutes=24 * 60)
    live = await act(sessions, arrive_encounter, cast.rural, consult_id=early.id)
    assert live.encounter.status is EncounterStatus.PLANNED
    assert await state(sessions, cast, early) is ConsultState.SCHEDULED


async def test_it_does_not_start_before_both_are_in(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    await act(sessions, arrive_encounter, cast.rural, consult_id=consult.id)
    with pytest.raises(Refused):
        await act(sessions, start_encounter, cast.rural, consult_id=consult.id)
    assert await state(sessions, cast, consult) is ConsultState.ARRIVED


async def test_it_starts_once(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    first = await both_started(sessions, cast, consult)
    again = await act(sessions, start_encounter, cast.rural, consult_id=consult.id)
    assert first.encounter.started_at == again.encounter.started_at
    assert again.encounter.status is EncounterStatus.IN_PROGRESS
    assert again.task.status is TaskStatus.IN_PROGRESS
    assert await state(sessions, cast, consult) is ConsultState.IN_SESSION
    assert (await audited(sessions, first.encounter.id)).count("encounter-started") == 1


async def test_the_session_ends_with_the_specialist_and_not_with_a_lost_line(
    sessions: Sessions, cast: Cast, consult: ServiceRequest
) -> None:
    await both_started(sessions, cast, consult)
    await act(sessions, leave_encounter, cast.specialist, consult_id=consult.id, reason="lost")
    await act(sessions, leave_encounter, cast.rural, consult_id=consult.id, reason="left")
    assert await state(sessions, cast, consult) is ConsultState.IN_SESSION
    for _ in range(2):
        live = await act(sessions, leave_encounter, cast.specialist, consult_id=consult.id, reason="left")
    assert live.encounter.ended_at
    assert live.appointment.status is AppointmentStatus.FULFILLED
    assert await state(sessions, cast, consult) is ConsultState.UNSIGNED
    actions = await audited(sessions, live.encounter.id)
    assert (actions.count("encounter-left"), actions.count("encounter-ended")) == (4, 1)


async def test_it_goes_on_when_both_come_back(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    started = await both_started(sessions, cast, consult)
    await act(sessions, leave_encounter, cast.specialist, consult_id=consult.id, reason="left")
    live = await both_started(sessions, cast, consult)
    assert live.encounter.ended_at is None
    assert live.encounter.started_at == started.encounter.started_at
    assert await state(sessions, cast, consult) is ConsultState.IN_SESSION


async def test_finishing_closes_the_room(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    live = await both_started(sessions, cast, consult)
    for _ in range(2):
        async with transaction(sessions) as session:
            await finish_encounter(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions) as session:
        assert not (await encounter_for(session, cast.rural, consult.id)).is_open
    for verb in (arrive_encounter, start_encounter):
        with pytest.raises(Refused):
            await act(sessions, verb, cast.rural, consult_id=consult.id)
    with pytest.raises(Refused):
        async with transaction(sessions) as session:
            await say(session, cast.rural, consult_id=consult.id, message_id=uuid.uuid4(), text="late")
    assert (await audited(sessions, live.encounter.id)).count("encounter-finished") == 1


async def test_finishing_where_no_session_was_planned_does_nothing(db: AsyncSession, cast: Cast) -> None:
    await finish_encounter(db, cast.specialist, consult_id=uuid.uuid4())


async def test_a_cancelled_appointment_has_no_open_room(
    sessions: Sessions, cast: Cast, consult: ServiceRequest
) -> None:
    async with transaction(sessions) as session:
        live = await encounter_for(session, cast.rural, consult.id)
        (await session.get_one(Appointment, live.appointment.id)).status = AppointmentStatus.CANCELLED
    with pytest.raises(Refused):
        await act(sessions, arrive_encounter, cast.rural, consult_id=consult.id)


async def test_chat_is_kept_once_and_in_order(sessions: Sessions, cast: Cast, consult: ServiceRequest) -> None:
    ids = [uuid.uuid4() for _ in range(3)]
    for message_id, text in [*zip(ids, "abc", strict=True), (ids[2], "c")]:
        async with transaction(sessions) as session:
            await say(session, cast.rural, consult_id=consult.id, message_id=message_id, text=text)
    async with transaction(sessions) as session:
        live = await encounter_for(session, cast.specialist, consult.id)
        assert [(line.text, name) for line, name in await chat_of(session, live)] == [
            (text, cast.rural.name) for text in "abc"
        ]


async def test_chat_refuses_what_is_not_a_line_of_ones_own(
    sessions: Sessions, cast: Cast, consult: ServiceRequest
) -> None:
    for text in ("", "  \n", "x" * 2001):
        with pytest.raises(Invalid):
            async with transaction(sessions) as session:
                await say(session, cast.rural, consult_id=consult.id, message_id=uuid.uuid4(), text=text)
    message_id = uuid.uuid4()
    async with transaction(sessions) as session:
        await say(session, cast.rural, consult_id=consult.id, message_id=message_id, text="mine")
    with pytest.raises(Conflict):
        async with transaction(sessions) as session:
            await say(session, cast.specialist, consult_id=consult.id, message_id=message_id, text="mine")
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ChatMessage)) == 1


async def test_who_arrives_while_the_consult_is_cancelled_finds_no_room(
    sessions: Sessions, cast: Cast, consult: ServiceRequest
) -> None:
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.coordinator, consult_id=consult.id, reason="The patient was transferred.")
        arriving = asyncio.create_task(act(sessions, arrive_encounter, cast.rural, consult_id=consult.id))
        await asyncio.wait([arriving], timeout=0.2)
        assert not arriving.done()
    with pytest.raises(NotFound):
        await arriving
    assert await state(sessions, cast, consult) is ConsultState.CANCELLED
