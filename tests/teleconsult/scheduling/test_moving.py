"""Move a booked session, or give its time up: the request stays, and both sides hear of it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.history import history_of
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.scheduling.booking import book_appointment, propose_time
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.scheduling.moving import cancel_time, move_time
from tests import agenda_steps, consult_steps
from tests.people import Cast

LATER = timedelta(days=2)


async def moved(cast: Cast, sessions: Sessions, consult: ServiceRequest, starts_at: datetime) -> Appointment:
    async with transaction(sessions, cast.coordinator) as session:
        return await move_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at, minutes=45)


async def given_up(cast: Cast, sessions: Sessions, consult: ServiceRequest, who: str = "coordinator") -> None:
    actor: Actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        await cancel_time(session, actor, consult_id=consult.id, reason="The specialist is ill.")


async def test_a_moved_session_keeps_its_request_its_room_and_its_identity(cast: Cast, sessions: Sessions) -> None:
    consult, starts_at = await consult_steps.booked(cast, sessions), now() + LATER
    assert consult.appointment is not None
    before = consult.appointment
    assert (await moved(cast, sessions, consult, starts_at)).id == before.id
    async with transaction(sessions, cast.rural) as session:
        found = await consult_for(session, cast.rural, consult.id)
        assert state_of(found) is ConsultState.SCHEDULED
        assert found.appointment is not None
        assert (found.appointment.starts_at, found.appointment.sequence) == (starts_at, 1)
        assert found.appointment.encounter is not None
        assert found.appointment.encounter.status is EncounterStatus.PLANNED
        assert (await history_of(session, found))[0].action == "time-moved"
    async with transaction(sessions) as session:
        [event] = await session.scalars(select(AuditEvent).where(AuditEvent.action == "time-moved"))
        assert event.detail["before"] == before.starts_at.isoformat()


async def test_a_move_is_refused_where_somebody_is_taken_or_not_at_work(cast: Cast, sessions: Sessions) -> None:
    one = await consult_steps.booked(cast, sessions)
    other = await consult_steps.booked(cast, sessions, in_minutes=300)
    assert other.appointment is not None
    with pytest.raises(Invalid):
        await moved(cast, sessions, one, other.appointment.starts_at + timedelta(minutes=15))
    away = (now() + timedelta(days=1), now() + timedelta(days=5))
    await agenda_steps.hours(sessions, cast, role=cast.specialist.role_id, between=None, away=[away])
    with pytest.raises(Invalid):
        await moved(cast, sessions, one, now() + LATER)
    async with transaction(sessions) as session:
        kept = await session.scalar(select(Appointment).where(Appointment.service_request_id == one.id))
        assert kept is not None
        assert one.appointment is not None
        assert (kept.starts_at, kept.sequence) == (one.appointment.starts_at, 0)


@pytest.mark.parametrize(
    ("who", "error"), [("rural", Forbidden), ("specialist", Forbidden), ("stranger", NotFound), ("admin", NotFound)]
)
async def test_only_the_coordinator_moves(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions, getattr(cast, who)) as session:
        with pytest.raises(error):
            await move_time(session, getattr(cast, who), consult_id=consult.id, starts_at=now() + LATER)


async def test_only_a_booked_time_is_moved_or_given_up(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    with pytest.raises(Refused):
        await moved(cast, sessions, consult, now() + LATER)
    with pytest.raises(Refused):
        await given_up(cast, sessions, consult)


@pytest.mark.parametrize("who", ["coordinator", "rural", "specialist"])
async def test_a_time_given_up_leaves_the_request_to_be_scheduled(cast: Cast, sessions: Sessions, who: str) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await given_up(cast, sessions, consult, who)
    async with transaction(sessions, cast.coordinator) as session:
        found = await consult_for(session, cast.coordinator, consult.id)
        assert (state_of(found), found.appointment) == (ConsultState.ACCEPTED, None)
    async with transaction(sessions) as session:
        lost = await session.scalar(select(Appointment).where(Appointment.service_request_id == consult.id))
        assert lost is not None
        assert (lost.status, lost.sequence, lost.status_reason) == (
            AppointmentStatus.CANCELLED,
            1,
            "The specialist is ill.",
        )
        assert await session.scalar(select(Encounter.status)) is EncounterStatus.CANCELLED
        assert await session.scalar(select(func.count()).where(AuditEvent.action == "time-cancelled")) == 1
    with pytest.raises(Refused):  # twice
        await given_up(cast, sessions, consult)
    async with transaction(sessions, cast.coordinator) as session:  # the time is free again, for the same or another
        starts_at = lost.starts_at
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=starts_at)
        await book_appointment(session, cast.coordinator, consult_id=consult.id)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
async def test_a_time_is_given_up_for_a_reason(cast: Cast, sessions: Sessions, reason: str) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        with pytest.raises(Invalid) as caught:
            await cancel_time(session, cast.coordinator, consult_id=consult.id, reason=reason)
    assert set(caught.value.fields) == {"reason"}


async def test_who_has_no_part_gives_nothing_up(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for who in ("stranger", "admin", "colleague"):
        with pytest.raises(NotFound):
            await given_up(cast, sessions, consult, who)
