"""More information wanted, and given."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.conversing import conversation_of
from teleconsult.consults.informing import ask_for_information, give_information
from teleconsult.consults.models import CommunicationCategory, RequestStatus, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from tests import consult_steps
from tests.people import Cast

WANTED = "Which blood thinner does she take?"
GIVEN = "Apixaban, 5 mg twice a day."


@pytest.mark.parametrize("who", ["coordinator", "specialist"])
async def test_it_waits_and_then_it_is_in_triage(cast: Cast, sessions: Sessions, who: str) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        held = await ask_for_information(session, actor, consult_id=consult.id, text=f" {WANTED} ")
        assert (held.status, held.task and held.task.status) == (RequestStatus.ON_HOLD, TaskStatus.ON_HOLD)
        assert held.task
        assert (held.task.business_status, state_of(held)) == ("awaiting-info", ConsultState.AWAITING_INFO)
        with pytest.raises(Refused):
            await ask_for_information(session, actor, consult_id=consult.id, text=WANTED)
        with pytest.raises(Forbidden):
            await give_information(session, actor, consult_id=consult.id, text=GIVEN)
    async with transaction(sessions) as session:  # a day later
        waited = await consult_for(session, cast.rural, consult.id)
        assert waited.task
        waited.task.modified_at -= timedelta(days=1)
    async with transaction(sessions, cast.rural) as session:
        given = await give_information(session, cast.rural, consult_id=consult.id, text=GIVEN)
        assert (state_of(given), given.status) == (ConsultState.TRIAGE, RequestStatus.ACTIVE)
        assert timedelta(days=1) <= given.held_for < timedelta(days=1, minutes=1)
        with pytest.raises(Refused):
            await give_information(session, cast.rural, consult_id=consult.id, text=GIVEN)
    async with transaction(sessions, actor) as session:
        said = await conversation_of(session, actor, await consult_for(session, actor, consult.id))
        assert [(one.category, one.text, one.sender_role_id) for one in said] == [
            (CommunicationCategory.INFORMATION_WANTED, WANTED, actor.role_id),
            (CommunicationCategory.INFORMATION_GIVEN, GIVEN, cast.rural.role_id),
        ]
    async with transaction(sessions) as session:
        audited = select(func.count()).where(AuditEvent.action.in_(("information-wanted", "information-given")))
        assert await session.scalar(audited.where(AuditEvent.entity_id == consult.id)) == 2


async def test_with_who_accepted_the_work_goes_on(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        await ask_for_information(session, cast.specialist, consult_id=consult.id, text=WANTED)
    async with transaction(sessions, cast.rural) as session:
        given = await give_information(session, cast.rural, consult_id=consult.id, text=GIVEN)
        assert state_of(given) is ConsultState.ACCEPTED
        assert given.task
        assert given.task.owner_role_id == cast.specialist.role_id


async def test_who_may_not_and_what_cannot_be_asked(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        for nobody, refusal in ((cast.rural, Forbidden), (cast.oncall, NotFound), (cast.stranger, NotFound)):
            with pytest.raises(refusal):
                await ask_for_information(session, nobody, consult_id=consult.id, text=WANTED)
        for text in (" ", "x" * 2001):
            with pytest.raises(Invalid):
                await ask_for_information(session, cast.coordinator, consult_id=consult.id, text=text)
    booked = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await ask_for_information(session, cast.specialist, consult_id=booked.id, text=WANTED)


async def test_what_waits_can_be_called_off(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        await ask_for_information(session, cast.coordinator, consult_id=consult.id, text=WANTED)
    async with transaction(sessions, cast.rural) as session:
        off = await cancel_consult(session, cast.rural, consult_id=consult.id, reason="Transferred")
        assert off.status is RequestStatus.REVOKED
