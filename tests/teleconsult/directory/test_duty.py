"""Duty as a specialist sees it: who answers now, and one's own shift handed over."""

import uuid

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.duty import Duty, duty_of, hand_over_own
from teleconsult.directory.roster import on_duty as who_is_on_duty
from teleconsult.errors import Conflict, Invalid, NotFound
from tests.emergency_steps import on_duty
from tests.people import Cast, another_neurologist


async def duty(sessions: Sessions, actor: Actor) -> Duty:
    async with transaction(sessions, actor) as session:
        (one,) = await duty_of(session, actor)
        return one


async def give(sessions: Sessions, actor: Actor, shift_id: uuid.UUID, role_id: uuid.UUID | None) -> None:
    async with transaction(sessions, actor) as session:
        await hand_over_own(session, actor, shift_id=shift_id, role_id=role_id or uuid.uuid4())


async def test_handed_over_from_this_moment_on(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
    await on_duty(sessions, cast.neurology, cast.specialist)
    mine = await duty(sessions, cast.specialist)
    assert mine.own is not None and [one.id for one in mine.colleagues] == [second.role_id]
    assert (await duty(sessions, second)).own is None  # sees who is on duty, and has nothing to hand over
    await give(sessions, cast.specialist, mine.own.id, second.role_id)
    async with transaction(sessions) as session:
        assert [one.id for one in await who_is_on_duty(session, cast.neurology.id, now())] == [second.role_id]
        assert "shift-handed-over" in set(await session.scalars(select(AuditEvent.action)))


async def test_to_nobody_but_a_colleague_and_nobody_elses(cast: Cast, sessions: Sessions) -> None:
    await on_duty(sessions, cast.neurology, cast.specialist)
    own = (await duty(sessions, cast.specialist)).own
    assert own is not None
    for role_id in (cast.oncall.role_id, cast.coordinator.role_id, cast.specialist.role_id, None):
        with pytest.raises(Invalid):
            await give(sessions, cast.specialist, own.id, role_id)
    for actor in (cast.oncall, cast.stranger, cast.coordinator):
        with pytest.raises(NotFound):
            await give(sessions, actor, own.id, actor.role_id)


async def test_to_who_is_on_duty_already(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
    for actor in (cast.specialist, second):
        await on_duty(sessions, cast.neurology, actor)
    own = (await duty(sessions, cast.specialist)).own
    assert own is not None
    with pytest.raises(Conflict):
        await give(sessions, cast.specialist, own.id, second.role_id)
