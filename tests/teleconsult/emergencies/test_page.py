"""Who is rung, in which order, and who never."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, RoleCode, Specialty
from teleconsult.emergencies import queries
from teleconsult.emergencies.answering import decline_emergency, note_rung
from teleconsult.emergencies.deciding import call_off, ring_on
from teleconsult.emergencies.jobs import look_for_somebody
from teleconsult.emergencies.models import Emergency, EmergencyPage
from teleconsult.emergencies.paging import page_next, running_emergency
from teleconsult.emergencies.queries import is_rung, ringing
from teleconsult.errors import NotFound, Refused
from tests.emergency_steps import next_hospital, on_duty, pages, pressed, raised, step
from tests.people import Cast, another_person


async def paged(sessions: Sessions, emergency: Emergency) -> list[object]:
    return [page.practitioner_role_id for page in await pages(sessions, emergency)]


async def test_on_duty_in_turn_then_coordinators_then_the_next_hospital(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        second = await another_person(session, cast, "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA)
    await on_duty(sessions, cast.trauma, second, since_minutes=240)
    service, surgeon = await next_hospital(cast, sessions)
    emergency = await raised(cast, sessions)
    expected = [cast.oncall.role_id, second.role_id, cast.coordinator.role_id, surgeon.role_id]
    for count in range(1, 5):
        assert await paged(sessions, emergency) == expected[:count]
        await step(sessions, emergency)
    assert await paged(sessions, emergency) == expected  # nobody is left
    async with transaction(sessions) as session:
        standing, consult = await running_emergency(session, emergency.id)
        assert standing.next_at is None and standing.ended_at is None
        assert consult.service_id == service.id
        assert [task.business_status for task in consult.tasks] == ["unanswered", ""]
    async with transaction(sessions, surgeon) as session:
        assert (await consult_for(session, surgeon, emergency.service_request_id)).id


async def test_who_was_rung_is_rung_on(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    await step(sessions, emergency)
    for actor in (cast.oncall, cast.coordinator):
        async with transaction(sessions, actor) as session:
            (told,) = await ringing(session, actor)
            assert told.consult.id == emergency.service_request_id
            assert told.is_role_in_force and told.is_to_coordinate is (actor is cast.coordinator)


async def test_nobody_on_duty_rings_the_coordinators_at_once(cast: Cast, sessions: Sessions) -> None:
    emergency = await pressed(cast, sessions)
    assert await paged(sessions, emergency) == [cast.coordinator.role_id]


async def test_a_disabled_account_is_passed_over(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        account = await session.get_one(Account, cast.oncall.account_id)
        account.disabled_at = now()
    emergency = await raised(cast, sessions)
    assert await paged(sessions, emergency) == [cast.coordinator.role_id]


async def test_who_declines_is_not_rung_again_and_the_next_is_at_once(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    for _twice in range(2):
        async with transaction(sessions, cast.oncall) as session:
            await decline_emergency(session, cast.oncall, emergency_id=emergency.id)
    assert await paged(sessions, emergency) == [cast.oncall.role_id, cast.coordinator.role_id]
    await step(sessions, emergency)  # nobody is left
    async with transaction(sessions, cast.rural) as session:
        await ring_on(session, cast.rural, consult_id=emergency.service_request_id)
    told = await pages(sessions, emergency)
    assert [(page.practitioner_role_id, page.round) for page in told][2:] == [(cast.coordinator.role_id, 2)]
    async with transaction(sessions, cast.oncall) as session:
        assert await ringing(session, cast.oncall) == ()


async def test_a_shift_handed_over_meanwhile_counts(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    async with transaction(sessions) as session:
        fresh = await another_person(session, cast, "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA)
    await on_duty(sessions, cast.trauma, fresh, since_minutes=1)
    await step(sessions, emergency)
    assert await paged(sessions, emergency) == [cast.oncall.role_id, fresh.role_id]


async def test_the_database_pages_nobody_for_anothers_service(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    service, _surgeon = await next_hospital(cast, sessions)
    with pytest.raises(DBAPIError, match="not theirs"):
        async with transaction(sessions, SYSTEM) as session:
            session.add(
                EmergencyPage(
                    emergency_id=emergency.id,
                    practitioner_role_id=cast.oncall.role_id,
                    service_id=service.id,
                    paged_at=now(),
                    round=9,
                )
            )


async def test_a_device_says_that_it_rings_once(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    (page,) = await pages(sessions, emergency)
    with pytest.raises(NotFound):
        async with transaction(sessions, cast.specialist) as session:
            await note_rung(session, cast.specialist, page_id=page.id)
    first = None
    for _device in range(2):
        async with transaction(sessions, cast.oncall) as session:
            await note_rung(session, cast.oncall, page_id=page.id)
        (told,) = await pages(sessions, emergency)
        first = first or told.rung_at
        assert told.rung_at == first


async def test_called_off_silences_everybody(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await call_off(session, cast.rural, consult_id=emergency.service_request_id, reason="He is awake.")
    async with transaction(sessions, cast.oncall) as session:
        assert await ringing(session, cast.oncall) == ()
        assert not await is_rung(session, cast.oncall.account_id)  # type: ignore[arg-type]  # has one
    await step(sessions, emergency)
    assert len(await pages(sessions, emergency)) == 1
    with pytest.raises(Refused):
        async with transaction(sessions, cast.rural) as session:
            await ring_on(session, cast.rural, consult_id=emergency.service_request_id)


async def test_cancelled_the_ordinary_way_rings_nobody_either(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await cancel_consult(session, cast.rural, consult_id=emergency.service_request_id, reason="He is awake.")
    async with transaction(sessions, cast.oncall) as session:
        assert await ringing(session, cast.oncall) == ()
    await step(sessions, emergency)
    async with transaction(sessions) as session:
        emergency, _consult = await running_emergency(session, emergency.id)
        assert emergency.ended_at is not None


async def test_an_old_step_does_nothing(cast: Cast, sessions: Sessions) -> None:
    """The job of a step that was taken sooner, by a refusal."""
    emergency = await raised(cast, sessions)
    async with transaction(sessions, SYSTEM) as session:
        standing, consult = await running_emergency(session, emergency.id)
        assert standing.step == 1
        await page_next(session, standing, consult)
        assert standing.step == 2


async def test_who_comes_on_duty_after_the_ladders_end_is_rung(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    async with transaction(sessions, cast.oncall) as session:
        await decline_emergency(session, cast.oncall, emergency_id=emergency.id)
    await step(sessions, emergency)  # nobody is left
    assert await look_for_somebody(sessions) == 0
    async with transaction(sessions) as session:
        second = await another_person(session, cast, "tertiary", RoleCode.SPECIALIST, Specialty.TRAUMA)
    await on_duty(sessions, cast.trauma, second)
    assert await look_for_somebody(sessions) == 1
    assert await paged(sessions, emergency) == [cast.oncall.role_id, cast.coordinator.role_id, second.role_id]
    assert await look_for_somebody(sessions) == 0


async def test_everybody_is_called_again_once_a_minute(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    with pytest.raises(Refused, match="less than a minute"):
        for _press in range(9):
            async with transaction(sessions, cast.rural) as session:
                await ring_on(session, cast.rural, consult_id=emergency.service_request_id)
    assert len(await pages(sessions, emergency)) == 4


async def test_it_rings_until_the_next_ones_turn(
    cast: Cast, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(HealthcareService).values(page_seconds=300))
    await raised(cast, sessions)
    for seconds, heard in ((200, 1), (301, 0)):
        later = now() + timedelta(seconds=seconds)
        monkeypatch.setattr(queries, "now", lambda later=later: later)
        async with transaction(sessions, cast.oncall) as session:
            assert len(await ringing(session, cast.oncall)) == heard
