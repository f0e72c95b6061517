"""Accept and decline."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.answering import accept_consult, decline_consult
from teleconsult.consults.models import ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.scheduling.booking import propose_time
from teleconsult.scheduling.models import AppointmentStatus
from tests import consult_steps
from tests.people import Cast, another_neurologist


async def test_accepting_takes_it_and_the_proposed_time(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=now() + timedelta(hours=1))
    async with transaction(sessions) as session:
        await accept_consult(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, consult.id)
        assert state_of(found) is ConsultState.ACCEPTED
        assert found.task is not None
        assert found.task.owner_role_id == cast.specialist.role_id
        assert found.appointment is not None
        assert found.appointment.status is AppointmentStatus.PENDING
        assert found.appointment.specialist_key is not None
        acts = set(await session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == consult.id)))
    assert "consult-accepted" in acts


async def test_of_two_at_once_exactly_one_wins(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        other = await another_neurologist(session, cast)

    async def accept(actor: Actor) -> ServiceRequest:
        async with transaction(sessions) as session:
            return await accept_consult(session, actor, consult_id=consult.id)

    results = await asyncio.gather(accept(cast.specialist), accept(other), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NotFound", "ServiceRequest"]


@pytest.mark.parametrize(
    ("who", "error"),
    [("rural", Forbidden), ("coordinator", Forbidden), ("oncall", NotFound), ("stranger", NotFound)],
)
async def test_nobody_else_answers(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(error):
            await accept_consult(session, getattr(cast, who), consult_id=consult.id)
        with pytest.raises(error):
            await decline_consult(session, getattr(cast, who), consult_id=consult.id, reason="No")


async def test_accepting_twice_is_refused(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Forbidden):
            await accept_consult(session, cast.specialist, consult_id=consult.id)


async def test_declining_asks_again_and_keeps_the_reason(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        await decline_consult(session, cast.specialist, consult_id=consult.id, reason=" Stroke team first ")
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.coordinator, consult.id)
    assert state_of(found) is ConsultState.DECLINED
    assert [task.status for task in found.tasks] == [TaskStatus.REJECTED, TaskStatus.REQUESTED]
    assert found.tasks[0].status_reason == "Stroke team first"


async def test_giving_back_frees_the_time(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await propose_time(session, cast.coordinator, consult_id=consult.id, starts_at=now() + timedelta(hours=1))
    async with transaction(sessions) as session:
        await decline_consult(session, cast.specialist, consult_id=consult.id, reason="Ill")
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.coordinator, consult.id)
    assert found.appointment is not None
    assert found.appointment.status is AppointmentStatus.PROPOSED
    assert found.appointment.specialist_key is None


async def test_a_booked_consult_is_not_given_back(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await decline_consult(session, cast.specialist, consult_id=consult.id, reason="Ill")


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 1001])
async def test_a_reason_is_needed(cast: Cast, sessions: Sessions, reason: str) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid) as caught:
            await decline_consult(session, cast.specialist, consult_id=consult.id, reason=reason)
    assert set(caught.value.fields) == {"reason"}
