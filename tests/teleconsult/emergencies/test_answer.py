"""Going into the room: exactly one, and every device falls silent."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.models import TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, Part, part_of, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import RoleCode, Specialty
from teleconsult.emergencies.answering import answer_emergency, decline_emergency
from teleconsult.emergencies.models import Emergency
from teleconsult.emergencies.queries import emergency_of, ringing
from teleconsult.emergencies.times import Moment, times_of
from teleconsult.encounters.actions import arrive_encounter, leave_encounter, start_encounter
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import NotFound, Refused
from teleconsult.scheduling.attending import settle
from teleconsult.settings import Settings
from tests.emergency_steps import answered, next_hospital, on_duty, pages, raised, step
from tests.people import Cast, another_person


async def test_who_answers_is_in_the_room(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    async with transaction(sessions, cast.oncall) as session:
        consult = await consult_for(session, cast.oncall, emergency.service_request_id)
        assert state_of(consult) is ConsultState.IN_SESSION and part_of(consult, cast.oncall) is Part.OWNER
        assert consult.task is not None and consult.task.status is TaskStatus.IN_PROGRESS
        live = await encounter_for(session, cast.oncall, consult.id)
        assert live.mine.part == "specialist" and live.counterpart.part == "requester"
        assert await ringing(session, cast.oncall) == ()
    async with transaction(sessions) as session:
        assert "emergency-answered" in set(await session.scalars(select(AuditEvent.action)))


async def test_of_two_at_once_one_wins_and_the_other_is_told_who(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        second = await another_person(session, cast, "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA)
    await on_duty(sessions, cast.trauma, second, since_minutes=240)
    emergency = await raised(cast, sessions)
    await step(sessions, emergency)

    async def answer(who: object) -> object:
        async with transaction(sessions, who) as session:  # type: ignore[arg-type]  # an actor
            return await answer_emergency(session, who, emergency_id=emergency.id)  # type: ignore[arg-type]  # an actor

    outcomes = await asyncio.gather(answer(cast.oncall), answer(second), return_exceptions=True)
    (lost,) = [one for one in outcomes if isinstance(one, Refused)]
    (won,) = [one for one in outcomes if isinstance(one, Emergency)]
    assert lost.values["name"] in ("Dr Paul Girard", "Dr Claire Fortin")
    assert sum(page.answered_at is not None for page in await pages(sessions, emergency)) == 1
    assert won.answered_by_id in (cast.oncall.role_id, second.role_id)


async def test_answered_twice_by_one_is_once(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    async with transaction(sessions, cast.oncall) as session:
        again = await answer_emergency(session, cast.oncall, emergency_id=emergency.id)
    assert again.answered_at == emergency.answered_at


async def test_who_was_paged_may_answer_after_it_went_on(cast: Cast, sessions: Sessions) -> None:
    _service, surgeon = await next_hospital(cast, sessions)
    emergency = await raised(cast, sessions)
    await step(sessions, emergency)
    await step(sessions, emergency)
    async with transaction(sessions, cast.oncall) as session:
        (told,) = await ringing(session, cast.oncall)
        assert told.consult.requester_organization.name == "Centre de santé de l’Anse"
        await answer_emergency(session, cast.oncall, emergency_id=emergency.id)
    async with transaction(sessions, cast.oncall) as session:
        consult = await consult_for(session, cast.oncall, emergency.service_request_id)
        assert consult.service_id == cast.trauma.id and state_of(consult) is ConsultState.IN_SESSION
    with pytest.raises(Refused, match="answered"):
        async with transaction(sessions, surgeon) as session:
            await answer_emergency(session, surgeon, emergency_id=emergency.id)


async def test_a_colleague_of_the_service_answers_unasked(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        second = await another_person(session, cast, "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA)
    emergency = await raised(cast, sessions)
    async with transaction(sessions, second) as session:
        await answer_emergency(session, second, emergency_id=emergency.id)
    async with transaction(sessions, cast.oncall) as session:
        assert await ringing(session, cast.oncall) == ()


@pytest.mark.parametrize("who", ["specialist", "stranger", "colleague", "rural", "nurse", "admin", "coordinator"])
async def test_nobody_else_may(cast: Cast, sessions: Sessions, who: str) -> None:
    emergency, actor = await raised(cast, sessions), getattr(cast, who)
    for act in (answer_emergency, decline_emergency):
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await act(session, actor, emergency_id=emergency.id)


async def test_a_coordinator_sees_to_it_and_specialists_are_rung_on(cast: Cast, sessions: Sessions) -> None:
    _service, surgeon = await next_hospital(cast, sessions)
    emergency = await raised(cast, sessions)
    await step(sessions, emergency)
    async with transaction(sessions, cast.coordinator) as session:
        await answer_emergency(session, cast.coordinator, emergency_id=emergency.id)
    async with transaction(sessions, cast.coordinator) as session:
        assert await ringing(session, cast.coordinator) == ()
    await step(sessions, emergency)
    assert (await pages(sessions, emergency))[-1].practitioner_role_id == surgeon.role_id


async def test_all_times_are_kept(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    for actor in (cast.rural, cast.oncall):
        async with transaction(sessions, actor) as session:
            await arrive_encounter(session, actor, consult_id=emergency.service_request_id)
    async with transaction(sessions, cast.oncall) as session:
        await start_encounter(session, cast.oncall, consult_id=emergency.service_request_id)
        told = await emergency_of(session, emergency.service_request_id)
        assert told is not None
        times = dict(await times_of(session, told))
    assert list(times) == [Moment.PRESSED, Moment.PAGED, Moment.ANSWERED, Moment.ON_VIDEO]
    assert all(at <= now() for at in times.values())


async def test_the_session_ends_as_any_other(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    for actor in (cast.rural, cast.oncall):
        async with transaction(sessions, actor) as session:
            await arrive_encounter(session, actor, consult_id=emergency.service_request_id)
    async with transaction(sessions, cast.oncall) as session:
        await leave_encounter(session, cast.oncall, consult_id=emergency.service_request_id, reason="left")
    async with transaction(sessions, cast.oncall) as session:
        consult = await consult_for(session, cast.oncall, emergency.service_request_id)
        assert state_of(consult) is ConsultState.UNSIGNED


async def test_who_answered_and_only_telephoned_did_not_miss_it(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    emergency = await answered(cast, sessions)
    async with transaction(sessions) as session:
        consult = await consult_for(session, cast.oncall, emergency.service_request_id)
        assert consult.appointment is not None
        consult.appointment.starts_at -= timedelta(days=1)
        consult.appointment.ends_at -= timedelta(days=1)
    async with transaction(sessions, SYSTEM) as session:
        assert await settle(session, settings, consult_id=emergency.service_request_id) is None
    async with transaction(sessions, cast.oncall) as session:
        consult = await consult_for(session, cast.oncall, emergency.service_request_id)
        assert state_of(consult) is ConsultState.IN_SESSION
