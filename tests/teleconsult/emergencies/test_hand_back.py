"""Whoever answered cannot be there: others are called, and nobody is rung twice for it."""

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import RoleCode, Specialty
from teleconsult.emergencies.answering import answer_emergency
from teleconsult.emergencies.deciding import note_decision
from teleconsult.emergencies.handing_back import call_others
from teleconsult.emergencies.models import Emergency
from teleconsult.emergencies.queries import emergency_of, ringing
from teleconsult.encounters.actions import arrive_encounter
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import NotFound, Refused
from tests import consult_steps
from tests.emergency_steps import answered, on_duty, pages, raised
from tests.people import Cast, another_person


@pytest.mark.parametrize("who", ["oncall", "rural"])
async def test_the_next_is_rung_and_who_answered_is_not(cast: Cast, sessions: Sessions, who: str) -> None:
    async with transaction(sessions) as session:
        second = await another_person(session, cast, "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA)
    await on_duty(sessions, cast.trauma, second, since_minutes=240)
    emergency = await answered(cast, sessions)
    await _hand_back(sessions, getattr(cast, who), emergency)
    rung = [page.practitioner_role_id for page in await pages(sessions, emergency) if page.ended_at is None]
    assert rung == [second.role_id]
    async with transaction(sessions, cast.rural) as session:
        consult = await consult_for(session, cast.rural, emergency.service_request_id)
        assert state_of(consult) is ConsultState.EMERGENCY
        assert consult.task is not None and consult.task.status is TaskStatus.REQUESTED
    async with transaction(sessions, second) as session:
        await answer_emergency(session, second, emergency_id=emergency.id)
    async with transaction(sessions, cast.rural) as session:
        live = await encounter_for(session, cast.rural, emergency.service_request_id)
        assert live.counterpart.participant.practitioner_role_id == second.role_id
        assert "emergency-handed-back" in await _audited(sessions)


async def test_who_was_silenced_by_the_answer_is_rung_again(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        second = await another_person(session, cast, "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA)
    await on_duty(sessions, cast.trauma, second, since_minutes=240)
    emergency = await raised(cast, sessions)
    async with transaction(sessions, second) as session:  # from the list: nobody rang them
        await answer_emergency(session, second, emergency_id=emergency.id)
    await _hand_back(sessions, second, emergency)
    async with transaction(sessions, cast.oncall) as session:
        assert len(await ringing(session, cast.oncall)) == 1
    async with transaction(sessions, second) as session:
        assert await ringing(session, second) == ()


async def test_who_handed_back_may_answer_after_all(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    await _hand_back(sessions, cast.oncall, emergency)
    async with transaction(sessions, cast.oncall) as session:
        await answer_emergency(session, cast.oncall, emergency_id=emergency.id)
    async with transaction(sessions, cast.rural) as session:
        live = await encounter_for(session, cast.rural, emergency.service_request_id)
        assert live.counterpart.participant.practitioner_role_id == cast.oncall.role_id
        kept = await emergency_of(session, emergency.service_request_id)
        assert kept is not None and kept.ended_at is not None and kept.next_at is None


async def test_once_the_two_have_met_only_who_answered_hands_it_back(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    for who in (cast.rural, cast.oncall):
        async with transaction(sessions, who) as session:
            await arrive_encounter(session, who, consult_id=emergency.service_request_id)
    with pytest.raises(Refused, match="have met"):
        await _hand_back(sessions, cast.rural, emergency)
    await _hand_back(sessions, cast.oncall, emergency)


async def test_not_twice_not_decided_and_by_nobody_else(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    with pytest.raises(NotFound):
        await _hand_back(sessions, cast.stranger, emergency)
    async with transaction(sessions, cast.oncall) as session:
        await note_decision(session, cast.oncall, consult_id=emergency.service_request_id, decision="treat-here")
    with pytest.raises(Refused, match="decision"):
        await _hand_back(sessions, cast.oncall, emergency)


async def test_pressed_again_it_is_refused(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    await _hand_back(sessions, cast.rural, emergency)
    with pytest.raises(Refused, match="already"):
        await _hand_back(sessions, cast.rural, emergency)


async def test_an_ordinary_consult_knows_nothing_of_it(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    with pytest.raises(NotFound):
        async with transaction(sessions, cast.rural) as session:
            await call_others(session, cast.rural, consult_id=consult.id)


async def _hand_back(sessions: Sessions, actor: Actor, emergency: Emergency) -> None:
    async with transaction(sessions, actor) as session:
        await call_others(session, actor, consult_id=emergency.service_request_id)


async def _audited(sessions: Sessions) -> set[str]:
    async with transaction(sessions, SYSTEM) as session:
        return set(await session.scalars(select(AuditEvent.action)))
