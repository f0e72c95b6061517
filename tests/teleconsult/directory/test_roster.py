"""Who is on duty: planned, shown, handed over."""

import uuid
from datetime import datetime, timedelta

import pytest

from teleconsult.accounts import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import DutyShift, PractitionerRole
from teleconsult.directory.roster import add_shift, hand_over, may_be_on_duty, on_duty, remove_shift, shifts_between
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from tests.people import Cast
from tests.teleconsult.directory.steps import audited, reload

HOUR = timedelta(hours=1)


async def shift(
    sessions: Sessions, cast: Cast, *, who: Actor | None = None, begin: datetime | None = None, hours: float = 8
) -> DutyShift:
    """The coordinator plans a shift for traumatology; it began an hour ago unless `begin` is given."""
    begin = begin or now() - HOUR
    role_id = (who or cast.oncall).role_id
    assert role_id
    async with transaction(sessions, cast.coordinator) as session:
        return await add_shift(
            session,
            cast.coordinator,
            service_id=cast.trauma.id,
            role_id=role_id,
            starts_at=begin,
            ends_at=begin + hours * HOUR,
        )


async def who_answers(sessions: Sessions, cast: Cast, at: datetime | None = None) -> list[str]:
    async with transaction(sessions) as session:
        roles = await on_duty(session, cast.trauma.id, at or now())
        return [role.practitioner.family for role in roles]


async def test_who_is_on_duty_and_who_no_more(sessions: Sessions, cast: Cast) -> None:
    kept = await shift(sessions, cast)
    assert await who_answers(sessions, cast) == ["Girard"]
    assert await who_answers(sessions, cast, kept.starts_at) == ["Girard"], "from the first moment"
    assert await who_answers(sessions, cast, kept.ends_at) == [], "to the last, which is the next one's"
    async with transaction(sessions) as session:
        role = await session.get_one(PractitionerRole, cast.oncall.role_id)
        role.ended_at = now()
    assert await who_answers(sessions, cast) == [], "nobody who no longer works here"
    assert len(await audited(sessions, "shift-added")) == 1


async def test_two_at_once_are_both_there_the_latest_first(sessions: Sessions, cast: Cast) -> None:
    await shift(sessions, cast)
    await shift(sessions, cast, who=cast.specialist, begin=now() - HOUR / 2)
    assert await who_answers(sessions, cast) == ["Minh", "Girard"]
    async with transaction(sessions, cast.admin) as session:
        shown = await shifts_between(session, cast.admin, start=now() - 9 * HOUR, end=now() + HOUR)
    assert [one.role.practitioner.family for one in shown] == ["Girard", "Minh"]
    with pytest.raises(Conflict):
        await shift(sessions, cast, begin=now() + HOUR)


async def test_a_shift_to_come_goes_and_one_under_way_ends_now(sessions: Sessions, cast: Cast) -> None:
    to_come = await shift(sessions, cast, begin=now() + 24 * HOUR)
    under_way = await shift(sessions, cast)
    for kept in (to_come, under_way):
        async with transaction(sessions, cast.coordinator) as session:
            await remove_shift(session, cast.coordinator, shift_id=kept.id)
    assert await reload(sessions, DutyShift, to_come.id) is None
    assert (await reload(sessions, DutyShift, under_way.id)).ends_at <= now()
    assert await who_answers(sessions, cast) == []
    with pytest.raises(Refused):
        async with transaction(sessions, cast.coordinator) as session:
            await remove_shift(session, cast.coordinator, shift_id=under_way.id)
    assert len(await audited(sessions, "shift-removed")) == 2


async def test_the_rest_of_a_shift_is_handed_over(sessions: Sessions, cast: Cast) -> None:
    kept = await shift(sessions, cast)
    assert cast.specialist.role_id
    assert cast.oncall.role_id
    async with transaction(sessions, cast.coordinator) as session:
        rest = await hand_over(session, cast.coordinator, shift_id=kept.id, role_id=cast.specialist.role_id)
    assert rest.ends_at == kept.ends_at
    assert await who_answers(sessions, cast) == ["Minh"]
    assert len(await audited(sessions, "shift-handed-over")) == 1
    for shift_id, role_id, error in (
        (kept.id, cast.specialist.role_id, Refused),
        (rest.id, cast.specialist.role_id, Conflict),
        (rest.id, cast.rural.role_id, Invalid),
        (uuid.uuid4(), cast.oncall.role_id, NotFound),
    ):
        assert role_id
        with pytest.raises(error):
            async with transaction(sessions, cast.coordinator) as session:
                await hand_over(session, cast.coordinator, shift_id=shift_id, role_id=role_id)


@pytest.mark.parametrize(
    ("begin", "hours", "field"),
    [(0, 0, "ends_at"), (0, -1, "ends_at"), (0, 169, "ends_at"), (-60, 8, "starts_at"), (24 * 367, 8, "starts_at")],
)
async def test_times_that_cannot_be(sessions: Sessions, cast: Cast, begin: float, hours: float, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await shift(sessions, cast, begin=now() + begin * HOUR, hours=hours)
    assert field in refused.value.fields


async def test_others_services_and_shifts_are_not_there(sessions: Sessions, cast: Cast, admin_elsewhere: Actor) -> None:
    kept = await shift(sessions, cast)
    assert cast.oncall.role_id
    for actor in (admin_elsewhere, cast.rural, cast.specialist, cast.operator):
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await remove_shift(session, actor, shift_id=kept.id)
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await add_shift(
                    session,
                    actor,
                    service_id=cast.trauma.id,
                    role_id=cast.oncall.role_id,
                    starts_at=now() + 10 * HOUR,
                    ends_at=now() + 12 * HOUR,
                )
    async with transaction(sessions, admin_elsewhere) as session:
        assert not await shifts_between(session, admin_elsewhere, start=now() - HOUR, end=now() + HOUR)
        assert not await may_be_on_duty(session, admin_elsewhere)
