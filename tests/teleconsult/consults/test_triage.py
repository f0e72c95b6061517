"""Receive and cancel."""

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import RequestStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, Part, part_of, state_of
from teleconsult.consults.triage import cancel_consult, open_consult, receive_request
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.excerpts.models import Excerpt
from tests import consult_steps
from tests.people import Cast


async def test_a_coordinators_look_receives_it_once(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    for _ in range(2):
        async with transaction(sessions) as session:
            found = await open_consult(session, cast.coordinator, consult_id=consult.id)
            assert state_of(found) is ConsultState.TRIAGE
    async with transaction(sessions) as session:
        await receive_request(session, cast.coordinator, consult_id=consult.id)
        received = select(func.count()).where(AuditEvent.action == "consult-received")
        assert await session.scalar(received) == 1


async def test_anyone_elses_look_changes_nothing(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    for actor in (cast.rural, cast.specialist):
        async with transaction(sessions) as session:
            found = await open_consult(session, actor, consult_id=consult.id)
            assert state_of(found) is ConsultState.SUBMITTED
            with pytest.raises(Forbidden):
                await receive_request(session, actor, consult_id=consult.id)
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await open_consult(session, cast.stranger, consult_id=consult.id)


@pytest.mark.parametrize("who", ["rural", "coordinator"])
async def test_cancelling_closes_everything(cast: Cast, sessions: Sessions, who: str) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        await cancel_consult(session, getattr(cast, who), consult_id=consult.id, reason="Transferred")
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, consult.id)
        assert (state_of(found), found.status_reason) == (ConsultState.CANCELLED, "Transferred")
        assert found.status is RequestStatus.REVOKED
        assert (found.task, found.appointment) == (None, None)
        assert await session.scalar(select(Encounter.status)) is EncounterStatus.CANCELLED
        assert await session.scalar(select(Excerpt.revoked_at)) is not None
        with pytest.raises(Refused):
            await cancel_consult(session, cast.rural, consult_id=consult.id, reason="Again")
        told = await consult_for(session, cast.specialist, consult.id)
        assert part_of(told, cast.specialist) is Part.OWNER, "who had accepted can still see what became of it"


async def test_who_and_how_one_cannot_cancel(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid):
            await cancel_consult(session, cast.rural, consult_id=consult.id, reason=" ")
        with pytest.raises(Forbidden):
            await cancel_consult(session, cast.specialist, consult_id=consult.id, reason="No")
        with pytest.raises(NotFound):
            await cancel_consult(session, cast.stranger, consult_id=consult.id, reason="No")
