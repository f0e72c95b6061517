"""Propose and book."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.models import EncounterParticipant
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.scheduling.booking import book_appointment, propose_time
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.scheduling.queries import agenda
from tests import consult_steps
from tests.people import Cast

SOON = timedelta(hours=2)


async def test_a_second_proposal_replaces_the_first(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    for hours in (1, 2):
        async with transaction(sessions) as session:
            starts_at = now() + timedelta(hours=hours)
            appointment = await propose_time(
                session, cast.coordinator, consult_id=consult.id, starts_at=starts_at, minutes=45
            )
    async with transaction(sessions) as session:
        [row] = await session.scalars(select(Appointment))
        assert (row.starts_at, row.status) == (starts_at, AppointmentStatus.PROPOSED)
        assert row.ends_at - row.starts_at == timedelta(minutes=45)
        assert row.id == appointment.id
        acts = select(func.count()).where(AuditEvent.action == "time-proposed")
        assert await session.scalar(acts) == 2


@pytest.mark.parametrize(
    ("after", "minutes", "field"),
    [
        (timedelta(minutes=-16), 30, "time"),
        (timedelta(days=400), 30, "time"),
        (SOON, 31, "minutes"),
        (SOON, -30, "minutes"),
    ],
)
async def test_a_time_nobody_can_keep(
    cast: Cast, sessions: Sessions, after: timedelta, minutes: int, field: str
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid) as caught:
            await propose_time(
                session, cast.coordinator, consult_id=consult.id, starts_at=now() + after, minutes=minutes
            )
    assert set(caught.value.fields) == {field}


async def test_a_form_may_take_a_while_to_fill(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        just_past = now() - timedelta(minutes=10)
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=just_past)


@pytest.mark.parametrize(
    ("who", "error"), [("rural", Forbidden), ("specialist", Forbidden), ("stranger", NotFound), ("admin", NotFound)]
)
async def test_only_the_coordinator_arranges(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    actor = getattr(cast, who)
    async with transaction(sessions) as session:
        with pytest.raises(error):
            await propose_time(session, actor, consult_id=consult.id, starts_at=now() + SOON)
        with pytest.raises(error):
            await book_appointment(session, actor, consult_id=consult.id)


async def test_booking_opens_the_room_to_both(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    assert state_of(consult) is ConsultState.SCHEDULED
    async with transaction(sessions) as session:
        seats = set(await session.scalars(select(EncounterParticipant.practitioner_role_id)))
    assert seats == {cast.rural.role_id, cast.specialist.role_id}


async def test_booking_needs_a_specialist_and_a_time(cast: Cast, sessions: Sessions) -> None:
    waiting = await consult_steps.submitted(cast, sessions)
    timeless = await consult_steps.accepted(cast, sessions)
    for consult in (waiting, timeless):
        async with transaction(sessions) as session:
            with pytest.raises(Refused):
                await book_appointment(session, cast.coordinator, consult_id=consult.id)


async def test_booked_once_it_stays(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await book_appointment(session, cast.coordinator, consult_id=consult.id)
        with pytest.raises(Refused):
            await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=now() + SOON)


async def test_no_specialist_is_booked_twice_at_once(cast: Cast, sessions: Sessions) -> None:
    consults = [await consult_steps.accepted(cast, sessions) for _ in range(2)]
    for minutes, consult in zip((0, 15), consults, strict=True):
        async with transaction(sessions) as session:
            starts_at = now() + SOON + timedelta(minutes=minutes)
            await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at)

    async def book(index: int) -> Appointment:
        async with transaction(sessions) as session:
            return await book_appointment(session, cast.coordinator, consult_id=consults[index].id)

    results = await asyncio.gather(book(0), book(1), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Appointment", "Invalid"]
    lost = consults[[isinstance(result, Invalid) for result in results].index(True)]
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.coordinator, lost.id)
        assert state_of(found) is ConsultState.ACCEPTED


async def test_the_agenda_holds_two_weeks(cast: Cast, sessions: Sessions) -> None:
    soon = await consult_steps.booked(cast, sessions)
    await consult_steps.booked(cast, sessions, in_minutes=20 * 24 * 60)
    async with transaction(sessions) as session:
        for actor in (cast.rural, cast.specialist, cast.coordinator):
            assert [row.id for row in await agenda(session, actor, start=now())] == [soon.id]
        assert await agenda(session, cast.oncall, start=now()) == []


async def test_a_taken_time_is_said_when_it_is_proposed(cast: Cast, sessions: Sessions) -> None:
    booked, waiting = await consult_steps.booked(cast, sessions), await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        taken = (await consult_for(session, cast.coordinator, booked.id)).appointment
        assert taken is not None
        with pytest.raises(Invalid) as caught:
            await propose_time(
                session, cast.coordinator, consult_id=waiting.id, starts_at=taken.starts_at + timedelta(minutes=15)
            )
        assert set(caught.value.fields) == {"time"}
        await propose_time(session, cast.coordinator, consult_id=waiting.id, starts_at=taken.ends_at)
