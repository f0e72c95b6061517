"""The wait list: what becomes free is offered to who came first, and passed on."""

from datetime import timedelta

import pytest

from teleconsult.clock import now
from teleconsult.consults.informing import ask_for_information
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.scheduling.hours_models import WaitListEntry, WaitStatus
from teleconsult.scheduling.jobs import offer_free
from teleconsult.scheduling.moving import cancel_time, move_time
from teleconsult.scheduling.waiting import (
    PATIENCE,
    leave_wait_list,
    pass_on,
    take_offer,
    wait_for_earlier,
    waiting_of,
)
from tests import agenda_steps, consult_steps
from tests.people import Cast


async def waits(cast: Cast, sessions: Sessions, consult: ServiceRequest, days: int = 20) -> None:
    async with transaction(sessions, cast.coordinator) as session:
        before = now() + timedelta(days=days)
        await wait_for_earlier(session, cast.coordinator, consult_id=consult.id, wanted_before=before)


async def entry_of(sessions: Sessions, consult: ServiceRequest) -> WaitListEntry | None:
    async with transaction(sessions) as session:
        return await waiting_of(session, consult.id)


async def full(cast: Cast, sessions: Sessions) -> ServiceRequest:
    """The specialist's only free hour of the next weeks, booked. Nothing else is left."""
    begins = (now() + timedelta(days=3)).replace(hour=16, minute=0, second=0, microsecond=0)
    begins += timedelta(days=max(0, 8 - begins.isoweekday())) if begins.isoweekday() > 5 else timedelta()
    away = [(now() - timedelta(days=1), begins), (begins + timedelta(minutes=30), now() + timedelta(days=90))]
    booked = await consult_steps.booked(cast, sessions, in_minutes=30 * 24 * 60)
    await agenda_steps.hours(sessions, cast, role=cast.specialist.role_id, between=(0, 1440), away=away)
    async with transaction(sessions) as session:
        await move_time(session, cast.coordinator, consult_id=booked.id, starts_at=begins)
    return booked


async def given_up(cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    async with transaction(sessions, cast.coordinator) as session:
        await cancel_time(session, cast.coordinator, consult_id=consult.id, reason="The patient travels.")


async def test_a_freed_time_goes_to_who_came_first_and_one_press_books_it(cast: Cast, sessions: Sessions) -> None:
    booked = await full(cast, sessions)
    first, second = [await consult_steps.accepted(cast, sessions) for _ in range(2)]
    await waits(cast, sessions, first)
    await waits(cast, sessions, second)
    assert await offer_free(sessions) == []
    await given_up(cast, sessions, booked)
    assert await offer_free(sessions) == [first.id]
    assert await offer_free(sessions) == []  # twice
    async with transaction(sessions, cast.coordinator) as session:
        await take_offer(session, cast.coordinator, consult_id=first.id)
    async with transaction(sessions, cast.coordinator) as session:
        assert state_of(await consult_for(session, cast.coordinator, first.id)) is ConsultState.SCHEDULED
    assert await offer_free(sessions) == []
    assert await entry_of(sessions, first) is None


async def test_what_one_leaves_is_offered_to_the_next(cast: Cast, sessions: Sessions) -> None:
    booked = await full(cast, sessions)
    first, second = [await consult_steps.accepted(cast, sessions) for _ in range(2)]
    await waits(cast, sessions, first)
    await waits(cast, sessions, second)
    await given_up(cast, sessions, booked)
    await offer_free(sessions)
    async with transaction(sessions, cast.coordinator) as session:
        await pass_on(session, cast.coordinator, consult_id=first.id)
    assert await offer_free(sessions) == [second.id]
    async with transaction(sessions) as session:  # nobody says anything for hours
        entry = await waiting_of(session, second.id)
        assert entry is not None
        assert entry.offered_at is not None
        entry.offered_at -= PATIENCE
    await offer_free(sessions)
    entry = await entry_of(sessions, second)
    assert entry is not None
    assert entry.status is WaitStatus.WAITING


async def test_a_booked_session_can_wait_for_an_earlier_time(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions, in_minutes=10 * 24 * 60)
    assert consult.appointment is not None
    await waits(cast, sessions, consult)
    assert await offer_free(sessions) == [consult.id]
    entry = await entry_of(sessions, consult)
    assert entry is not None
    assert entry.ends_at is not None
    assert entry.ends_at <= consult.appointment.starts_at
    async with transaction(sessions, cast.coordinator) as session:
        moved = (await consult_for(session, cast.coordinator, consult.id)).appointment
        await take_offer(session, cast.coordinator, consult_id=consult.id)
    assert moved is not None
    assert moved.starts_at == entry.starts_at


async def test_who_is_asked_for_more_keeps_the_place_and_what_was_offered_goes_on(
    cast: Cast, sessions: Sessions
) -> None:
    booked = await full(cast, sessions)
    first, second = [await consult_steps.accepted(cast, sessions) for _ in range(2)]
    await waits(cast, sessions, first)
    await waits(cast, sessions, second)
    await given_up(cast, sessions, booked)
    assert await offer_free(sessions) == [first.id]
    async with transaction(sessions, cast.specialist) as session:
        await ask_for_information(session, cast.specialist, consult_id=first.id, text="Which medicines do they take?")
    before = await entry_of(sessions, first)
    assert await offer_free(sessions) == [second.id]
    entry = await entry_of(sessions, first)
    assert entry and before
    assert (entry.status, entry.created_at) == (WaitStatus.WAITING, before.created_at)


async def test_who_waits_no_longer_is_offered_nothing(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await waits(cast, sessions, consult)
    async with transaction(sessions, cast.coordinator) as session:
        await leave_wait_list(session, cast.coordinator, consult_id=consult.id)
    assert await offer_free(sessions) == []
    async with transaction(sessions, cast.coordinator) as session:
        for verb in (leave_wait_list, take_offer, pass_on):
            with pytest.raises(Refused):
                await verb(session, cast.coordinator, consult_id=consult.id)


async def test_one_waits_once_for_a_day_to_come(cast: Cast, sessions: Sessions) -> None:
    consult, unaccepted = await consult_steps.accepted(cast, sessions), await consult_steps.submitted(cast, sessions)
    with pytest.raises(Refused):
        await waits(cast, sessions, unaccepted)
    for days in (-1, 400):
        with pytest.raises(Invalid):
            await waits(cast, sessions, consult, days)
    await waits(cast, sessions, consult)
    with pytest.raises(Refused):
        await waits(cast, sessions, consult)


@pytest.mark.parametrize(("who", "error"), [("rural", Forbidden), ("specialist", Forbidden), ("stranger", NotFound)])
async def test_only_who_arranges_keeps_the_list(
    cast: Cast, sessions: Sessions, who: str, error: type[Exception]
) -> None:
    consult, actor = await consult_steps.accepted(cast, sessions), getattr(cast, who)
    async with transaction(sessions, actor) as session:
        with pytest.raises(error):
            await wait_for_earlier(session, actor, consult_id=consult.id, wanted_before=now() + timedelta(days=9))
