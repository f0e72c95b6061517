"""Proving once more who one is: what holds, for how long, and what becomes of the session."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pyotp import TOTP
from sqlalchemy import select, update

from teleconsult.accounts import SYSTEM, Actor, actor_for_cookie
from teleconsult.accounts.enrolling import confirm_totp, start_totp
from teleconsult.accounts.models import Account, Passkey, WebSession
from teleconsult.accounts.passkey_proofs import sign_in_options, step_up_options
from teleconsult.accounts.stepping_up import FRESH_FOR, Proof, Ways, require_fresh, step_up, ways_of
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, StepUpNeeded, TooMany, Unauthenticated
from teleconsult.settings import Settings
from tests.passkey_steps import VISIT, fresh, signed_in, with_key
from tests.people import PASSWORD, Cast


async def stepped_up(sessions: Sessions, settings: Settings, actor: Actor, proof: Proof) -> tuple[Actor, str]:
    return await step_up(sessions, settings, actor, proof=proof, address=VISIT.address)


async def asked(sessions: Sessions, settings: Settings, actor: Actor) -> str:
    async with transaction(sessions, actor) as session:
        return await step_up_options(session, settings, actor)


async def test_a_factor_is_fresh_for_two_minutes(cast: Cast) -> None:
    require_fresh(replace(cast.rural, factor_at=now() - FRESH_FOR + timedelta(seconds=5)))
    with pytest.raises(StepUpNeeded):
        require_fresh(replace(cast.rural, factor_at=now() - FRESH_FOR - timedelta(seconds=1)))


async def test_a_machine_never_showed_one(cast: Cast) -> None:
    for actor in (cast.rural, SYSTEM):
        with pytest.raises(StepUpNeeded):
            require_fresh(actor)


async def test_the_session_goes_on_under_a_new_token(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    entry = await signed_in(sessions, settings, cast.rural)
    actor = entry.actor
    async with transaction(sessions) as session:
        (await session.get_one(WebSession, actor.session_id)).factor_at -= timedelta(hours=1)
    renewed, token = await stepped_up(sessions, settings, actor, Proof(password=PASSWORD))
    require_fresh(renewed)
    async with transaction(sessions) as session:
        assert await actor_for_cookie(session, settings, entry.token) is None
        assert await actor_for_cookie(session, settings, token) == renewed
        before = await session.get_one(WebSession, actor.session_id)
        after = await session.get_one(WebSession, renewed.session_id)
        assert after.expires_at == before.expires_at, "a proof makes no session longer"
        done = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "stepped-up"))).one()
    assert (done.account_id, done.detail["methods"]) == (actor.account_id, "pwd")


async def test_a_wrong_password_is_refused_and_kept(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    entry = await signed_in(sessions, settings, cast.rural)
    with pytest.raises(Invalid) as refused:
        await stepped_up(sessions, settings, entry.actor, Proof(password="wrong"))
    assert set(refused.value.fields) == {"password"}
    async with transaction(sessions) as session:
        assert await actor_for_cookie(session, settings, entry.token) is not None
        kept = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "step-up-failed"))).one()
    assert (kept.outcome, kept.account_id, kept.detail["reason"]) == ("denied", cast.rural.account_id, "password")


async def test_wrong_tries_are_counted(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    for proof in [Proof(password="wrong"), Proof(code="000000"), Proof(passkey="{}")] * 4:
        with pytest.raises((Invalid, TooMany)):
            await stepped_up(sessions, settings, actor, proof)
    with pytest.raises(TooMany):
        await stepped_up(sessions, settings, actor, Proof(password=PASSWORD))


async def test_a_session_that_has_ended_is_not_begun_anew(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    async with transaction(sessions) as session:
        (await session.get_one(WebSession, actor.session_id)).ended_at = now()
    with pytest.raises(Unauthenticated):
        await stepped_up(sessions, settings, actor, Proof(password=PASSWORD))


async def test_a_passkey_of_ones_own_will_do(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    actor = await fresh(sessions, settings, cast.rural)
    answer = key.answer(await asked(sessions, settings, actor))
    await stepped_up(sessions, settings, actor, Proof(passkey=answer))
    async with transaction(sessions) as session:
        methods = await session.scalars(select(WebSession.methods).where(WebSession.ended_at.is_(None)))
        assert set(methods) == {"pwd hwk user"}
    with pytest.raises(Invalid) as again:
        await stepped_up(sessions, settings, actor, Proof(passkey=answer))
    assert set(again.value.fields) == {"passkey"}


async def test_anothers_passkey_will_not(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast, "specialist")
    actor = await fresh(sessions, settings, cast.rural)
    with pytest.raises(Invalid):
        await stepped_up(sessions, settings, actor, Proof(passkey=key.answer(await asked(sessions, settings, actor))))


async def test_what_was_asked_of_one_session_or_for_signing_in_is_not_answered_here(
    sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    key = await with_key(sessions, settings, cast)
    actor, other = await fresh(sessions, settings, cast.rural), await fresh(sessions, settings, cast.rural)
    async with transaction(sessions) as session:
        for_sign_in = sign_in_options(session, settings, browser=str(actor.session_id))
    for options in (await asked(sessions, settings, other), for_sign_in):
        with pytest.raises(Invalid):
            await stepped_up(sessions, settings, actor, Proof(passkey=key.answer(options)))


async def test_a_copied_passkey_is_told_of(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    actor = await fresh(sessions, settings, cast.rural)
    key.count = -1
    async with transaction(sessions) as session:
        await session.execute(update(Passkey).values(sign_count=5))
    with pytest.raises(Invalid):
        await stepped_up(sessions, settings, actor, Proof(passkey=key.answer(await asked(sessions, settings, actor))))
    async with transaction(sessions) as session:
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "passkey-copied"))).one()
    assert event.account_id == cast.rural.account_id


async def test_a_code_will_do_once(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    async with transaction(sessions, actor) as session:
        secret = (await start_totp(session, actor, settings)).secret.replace(" ", "")
        await confirm_totp(session, actor, settings, code=TOTP(secret).at(now() - timedelta(seconds=30)))
    code = TOTP(secret).at(now())
    renewed, _token = await stepped_up(sessions, settings, actor, Proof(code=code))
    with pytest.raises(Invalid) as again:
        await stepped_up(sessions, settings, renewed, Proof(code=code))
    assert set(again.value.fields) == {"code"}


async def test_each_account_is_asked_for_what_it_has(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    async with transaction(sessions) as session:
        assert await ways_of(session, settings, actor) == Ways(
            password=True, code=False, passkey=False, federated=False
        )
    await with_key(sessions, settings, cast)
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(password_hash=None))
        assert await ways_of(session, settings, actor) == Ways(
            password=False, code=False, passkey=True, federated=False
        )
    with pytest.raises(Invalid):
        await stepped_up(sessions, settings, actor, Proof(password=""))
