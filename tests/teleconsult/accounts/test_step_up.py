"""Proving once more who one is: what holds, for how long, and what becomes of the session."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.accounts import SYSTEM, Actor, actor_for_cookie, sign_in
from teleconsult.accounts.models import WebSession
from teleconsult.accounts.stepping_up import FRESH_FOR, Proof, require_fresh, step_up
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, StepUpNeeded, TooMany, Unauthenticated
from teleconsult.settings import Settings
from tests.people import PASSWORD, Cast

ADDRESS = "192.0.2.1"


async def signed_in(sessions: Sessions, settings: Settings, cast: Cast, name: str = "rural") -> tuple[Actor, str]:
    return await sign_in(sessions, settings, email=cast.emails[name], password=PASSWORD, address=ADDRESS)


async def test_a_factor_is_fresh_for_two_minutes(cast: Cast) -> None:
    require_fresh(replace(cast.rural, factor_at=now() - FRESH_FOR + timedelta(seconds=5)))
    with pytest.raises(StepUpNeeded):
        require_fresh(replace(cast.rural, factor_at=now() - FRESH_FOR - timedelta(seconds=1)))


async def test_a_machine_never_showed_one(cast: Cast) -> None:
    for actor in (cast.rural, SYSTEM):
        with pytest.raises(StepUpNeeded):
            require_fresh(actor)


async def test_the_session_goes_on_under_a_new_token(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor, old = await signed_in(sessions, settings, cast)
    async with transaction(sessions) as session:
        (await session.get_one(WebSession, actor.session_id)).factor_at -= timedelta(hours=1)
    fresh, token = await step_up(sessions, settings, actor, proof=Proof(password=PASSWORD), address=ADDRESS)
    require_fresh(fresh)
    async with transaction(sessions) as session:
        assert await actor_for_cookie(session, settings, old) is None
        assert await actor_for_cookie(session, settings, token) == fresh
        before = await session.get_one(WebSession, actor.session_id)
        after = await session.get_one(WebSession, fresh.session_id)
        assert after.expires_at == before.expires_at, "a proof makes no session longer"
        done = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "stepped-up"))).one()
    assert (done.account_id, done.detail["methods"]) == (actor.account_id, "pwd")


async def test_a_wrong_password_is_refused_and_kept(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor, token = await signed_in(sessions, settings, cast)
    with pytest.raises(Invalid) as refused:
        await step_up(sessions, settings, actor, proof=Proof(password="wrong"), address=ADDRESS)
    assert set(refused.value.fields) == {"password"}
    async with transaction(sessions) as session:
        assert await actor_for_cookie(session, settings, token) is not None
        kept = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "step-up-failed"))).one()
    assert (kept.outcome, kept.account_id) == ("denied", actor.account_id)


async def test_wrong_tries_count_at_the_other_doors_too(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor, _token = await signed_in(sessions, settings, cast)
    for _ in range(10):
        with pytest.raises(Invalid):
            await step_up(sessions, settings, actor, proof=Proof(password="wrong"), address=ADDRESS)
    with pytest.raises(TooMany):
        await step_up(sessions, settings, actor, proof=Proof(password=PASSWORD), address=ADDRESS)
    with pytest.raises(TooMany):
        await signed_in(sessions, settings, cast)


async def test_a_session_that_has_ended_is_not_begun_anew(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor, _token = await signed_in(sessions, settings, cast)
    async with transaction(sessions) as session:
        (await session.get_one(WebSession, actor.session_id)).ended_at = now()
    with pytest.raises(Unauthenticated):
        await step_up(sessions, settings, actor, proof=Proof(password=PASSWORD), address=ADDRESS)
