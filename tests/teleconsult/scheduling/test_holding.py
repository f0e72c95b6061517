"""Nobody and nothing is booked twice, and nobody outside their hours: asked of the acts, and of the database alone."""

import asyncio
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.attendance import Span
from teleconsult.errors import Invalid
from teleconsult.scheduling.booking import book_appointment, propose_time
from teleconsult.scheduling.finding import free_times, things_here
from teleconsult.scheduling.hours_models import AppointmentParticipant, BookableResource
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import agenda_steps, consult_steps
from tests.people import Cast

ATTEMPTS = 100
AT_ONCE = 20
"""As many as the pool has connections: the others wait here, for as long as a slow machine takes."""
TORONTO = ZoneInfo("America/Toronto")
BLANC_SABLON = ZoneInfo("America/Blanc-Sablon")


def tomorrow(hour: int, minute: int = 0, zone: ZoneInfo = TORONTO) -> datetime:
    return (now().astimezone(zone) + timedelta(days=1)).replace(hour=hour, minute=minute, second=0, microsecond=0)


async def test_of_a_hundred_at_once_one_books_the_specialist(cast: Cast, sessions: Sessions) -> None:
    consults = await agenda_steps.many_pending(cast, sessions, ATTEMPTS, starts_at=now() + timedelta(days=1))

    connections = asyncio.Semaphore(AT_ONCE)

    async def book(consult_id: uuid.UUID) -> Appointment:
        async with connections, transaction(sessions) as session:
            return await book_appointment(session, cast.coordinator, consult_id=consult_id)

    results = await asyncio.gather(*(book(consult.id) for consult in consults), return_exceptions=True)
    assert sum(isinstance(result, Appointment) for result in results) == 1
    assert [repr(result) for result in results if not isinstance(result, Appointment | Invalid)] == []
    async with transaction(sessions) as session:
        booked = select(func.count()).where(Appointment.status == AppointmentStatus.BOOKED)
        assert await session.scalar(booked) == 1
        held = select(func.count()).where(AppointmentParticipant.is_binding)
        assert await session.scalar(held) == 2  # the doctor and the specialist


@pytest.mark.parametrize("what", ["room", "person"])
async def test_of_a_hundred_at_once_the_database_lets_one_through(cast: Cast, sessions: Sessions, what: str) -> None:
    """No turns, no checks, nothing of ours but the constraint: the rows alone, and no specialist named in them."""
    consults = await agenda_steps.many_pending(cast, sessions, ATTEMPTS, starts_at=now() + timedelta(days=1))
    room = await agenda_steps.room(sessions, cast)
    needs = {"resource_id": room.id} if what == "room" else {"practitioner_role_id": cast.rural.role_id}
    async with transaction(sessions) as session:
        await session.execute(update(Appointment).values(specialist_key=None, specialist_role_id=None))
        found = await session.scalars(
            select(Appointment.id).where(Appointment.service_request_id.in_(one.id for one in consults))
        )
        appointments = found.all()
        session.add_all(AppointmentParticipant(appointment_id=id, **needs) for id in appointments)

    connections = asyncio.Semaphore(AT_ONCE)

    async def book(id: uuid.UUID) -> None:
        async with connections, transaction(sessions) as session:
            await session.execute(update(Appointment).where(Appointment.id == id).values(status="booked"))

    results = await asyncio.gather(*(book(id) for id in appointments), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert all(result is None or isinstance(result, DBAPIError) for result in results)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(Appointment.status == AppointmentStatus.BOOKED)) == 1


async def test_the_program_cannot_say_whose_time_it_is(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(text("update appointment_participant set is_binding = false, practitioner_key = null"))
        found = (await session.scalars(select(AppointmentParticipant))).all()
        assert all(one.is_binding and one.practitioner_key for one in found)
        appointment = await session.scalar(select(Appointment).where(Appointment.service_request_id == consult.id))
        assert appointment is not None
        assert {(one.starts_at, one.ends_at) for one in found} == {(appointment.starts_at, appointment.ends_at)}


@pytest.mark.parametrize(("hour", "minute", "fits"), [(9, 0, True), (16, 30, True), (8, 45, False), (16, 45, False)])
async def test_nobody_is_proposed_a_time_outside_their_hours(
    cast: Cast, sessions: Sessions, hour: int, minute: int, fits: bool
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await agenda_steps.hours(
        sessions, cast, role=cast.rural.role_id, house="rural", zone="America/Blanc-Sablon", between=(540, 1020)
    )
    starts_at = tomorrow(hour, minute, BLANC_SABLON)
    async with transaction(sessions, cast.coordinator) as session:
        if fits:
            await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at)
            return
        with pytest.raises(Invalid) as caught:
            await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at)
    assert set(caught.value.fields) == {"time"}
    assert "Tremblay" in str(caught.value.values["names"])


async def test_hours_changed_after_the_proposal_count(cast: Cast, sessions: Sessions) -> None:
    consult, starts_at = await consult_steps.accepted(cast, sessions), tomorrow(10)
    async with transaction(sessions) as session:
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at)
    day_off = [(tomorrow(0), tomorrow(23))]
    await agenda_steps.hours(sessions, cast, role=cast.specialist.role_id, away=day_off)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid):
            await book_appointment(session, cast.coordinator, consult_id=consult.id)


async def test_a_room_is_booked_with_the_session_and_free_again_after_it(cast: Cast, sessions: Sessions) -> None:
    room, starts_at = await agenda_steps.room(sessions, cast), tomorrow(10)
    consults = [await consult_steps.accepted(cast, sessions) for _ in range(2)]
    async with transaction(sessions, cast.coordinator) as session:
        await propose_time(session, cast.coordinator, consult_id=consults[0].id, starts_at=starts_at, things=[room.id])
        await book_appointment(session, cast.coordinator, consult_id=consults[0].id)
    found = await _found(sessions, cast, consults[1].id, things=[room.id])
    assert not any(time.start < starts_at + timedelta(minutes=30) and time.end > starts_at for time in found)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid):
            await propose_time(
                session, cast.coordinator, consult_id=consults[1].id, starts_at=starts_at, things=[uuid.uuid4()]
            )


async def test_the_next_free_times_suit_both_and_the_clinic(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await agenda_steps.hours(sessions, cast, role=cast.rural.role_id, house="rural", zone="America/Blanc-Sablon")
    await agenda_steps.hours(sessions, cast, role=cast.specialist.role_id, between=(8 * 60, 16 * 60), buffer=10)
    await agenda_steps.hours(sessions, cast, service=cast.neurology.id, between=(13 * 60, 15 * 60), slot=40)
    found = await _found(sessions, cast, consult.id)
    assert found
    for time in found:
        assert time.length == timedelta(minutes=40)
        assert f"{time.start.astimezone(TORONTO):%H:%M}" in {"13:00", "13:40", "14:20"}


async def test_another_booking_is_known_as_taken_and_no_more(cast: Cast, sessions: Sessions) -> None:
    booked, waiting = await consult_steps.booked(cast, sessions), await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        appointment = (await consult_for(session, cast.coordinator, booked.id)).appointment
        assert appointment is not None
    for time in await _found(sessions, cast, waiting.id):
        assert time.end <= appointment.starts_at or time.start >= appointment.ends_at


async def test_rooms_are_those_of_the_house_that_answers(cast: Cast, sessions: Sessions) -> None:
    ours, theirs = await agenda_steps.room(sessions, cast), await agenda_steps.room(sessions, cast, house="rural")
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        whole = await consult_for(session, cast.coordinator, consult.id)
        assert [one.id for one in await things_here(session, whole)] == [ours.id]
        with pytest.raises(Invalid):
            await propose_time(
                session, cast.coordinator, consult_id=consult.id, starts_at=tomorrow(10), things=[theirs.id]
            )
        (await session.get_one(BookableResource, ours.id)).retired_at = now()
        await session.flush()
        with pytest.raises(Invalid):
            await propose_time(
                session, cast.coordinator, consult_id=consult.id, starts_at=tomorrow(10), things=[ours.id]
            )


async def _found(
    sessions: Sessions, cast: Cast, consult_id: uuid.UUID, *, things: list[uuid.UUID] | None = None
) -> list[Span]:
    async with transaction(sessions, cast.coordinator) as session:
        consult = await consult_for(session, cast.coordinator, consult_id)
        return (await free_times(session, cast.coordinator, consult, minutes=30, things=things)).times
