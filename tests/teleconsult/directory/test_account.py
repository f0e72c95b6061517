"""Disabling and enabling accounts, ending sessions, taking a lost second factor away."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select, text

from teleconsult.accounts import Actor
from teleconsult.accounts.models import Account, Passkey, RecoveryCode, Totp, WebSession
from teleconsult.accounts.queries import factors_of
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode
from teleconsult.directory.people import (
    disable_account,
    enable_account,
    end_session_here,
    end_sessions_here,
    reset_second_factor,
)
from teleconsult.errors import Forbidden, NotFound, Refused, StepUpNeeded
from tests.people import Cast
from tests.teleconsult.directory.steps import audited, practitioner_of, reload
from tests.teleconsult.directory.test_role import open_session_of

Verb = Callable[..., Awaitable[None]]


async def with_factors(sessions: Sessions, actor: Actor) -> None:
    """An application, a recovery code and a passkey."""
    assert actor.account_id
    moment, account_id = now(), actor.account_id
    async with transaction(sessions) as session:
        session.add(Totp(account_id=account_id, secret_sealed=b"-", created_at=moment, confirmed_at=moment))
        session.add(RecoveryCode(account_id=account_id, code_hash=b"-", created_at=moment))
        session.add(
            Passkey(
                account_id=account_id,
                credential_id=b"-",
                public_key=b"-",
                sign_count=0,
                name="Telephone",
                created_at=moment,
            )
        )


async def test_a_disabled_account_is_out_at_once_and_can_come_back(
    sessions: Sessions, cast: Cast, admin: Actor
) -> None:
    kept = await open_session_of(sessions, cast.oncall)
    async with transaction(sessions, admin) as session:
        await disable_account(session, admin, practitioner_id=cast.oncall.practitioner_id)
    assert (await reload(sessions, Account, cast.oncall.account_id)).disabled_at
    assert (await reload(sessions, WebSession, kept.id)).ended_at
    with pytest.raises(Refused):
        async with transaction(sessions, admin) as session:
            await disable_account(session, admin, practitioner_id=cast.oncall.practitioner_id)
    async with transaction(sessions, admin) as session:
        await enable_account(session, admin, practitioner_id=cast.oncall.practitioner_id)
    assert not (await reload(sessions, Account, cast.oncall.account_id)).disabled_at
    with pytest.raises(Refused):
        async with transaction(sessions, admin) as session:
            await enable_account(session, admin, practitioner_id=cast.oncall.practitioner_id)
    assert len(await audited(sessions, "account-disabled")) == len(await audited(sessions, "account-enabled")) == 1


@pytest.mark.parametrize("verb", [disable_account, enable_account, reset_second_factor])
async def test_an_account_that_is_used_elsewhere_is_not_one_establishments_to_change(
    sessions: Sessions, cast: Cast, admin: Actor, verb: Verb
) -> None:
    await with_factors(sessions, cast.oncall)
    async with transaction(sessions) as session:
        session.add(
            PractitionerRole(
                practitioner_id=cast.oncall.practitioner_id,
                organization_id=cast.organizations["rural"].id,
                code=RoleCode.DOCTOR,
            )
        )
    with pytest.raises(Refused, match="another establishment or for the network"):
        async with transaction(sessions, admin) as session:
            await verb(session, admin, practitioner_id=cast.oncall.practitioner_id)


@pytest.mark.parametrize("verb", [disable_account, enable_account, reset_second_factor])
async def test_an_operators_account_is_no_establishments_to_change(
    sessions: Sessions, cast: Cast, admin: Actor, verb: Verb
) -> None:
    await with_factors(sessions, cast.operator)
    with pytest.raises(Refused):
        async with transaction(sessions, admin) as session:
            await verb(session, admin, practitioner_id=cast.operator.practitioner_id)


@pytest.mark.parametrize("verb", [disable_account, enable_account, reset_second_factor])
async def test_not_others_not_oneself_not_without_a_fresh_factor(
    sessions: Sessions, cast: Cast, admin: Actor, admin_elsewhere: Actor, verb: Verb
) -> None:
    for actor, whom, error in (
        (admin_elsewhere, cast.oncall, NotFound),
        (cast.coordinator, cast.oncall, NotFound),
        (admin, admin, Forbidden),
        (cast.admin, cast.oncall, StepUpNeeded),
    ):
        with pytest.raises(error):
            async with transaction(sessions, actor) as session:
                await verb(session, actor, practitioner_id=whom.practitioner_id)


async def test_a_lost_second_factor_is_taken_away_and_its_owner_told(
    sessions: Sessions, cast: Cast, admin: Actor
) -> None:
    await with_factors(sessions, cast.oncall)
    kept = await open_session_of(sessions, cast.oncall)
    person = await practitioner_of(sessions, cast.oncall)
    async with transaction(sessions, admin) as session:
        before = await factors_of(session, admin, person)
    assert before
    assert (before.application, before.passkeys, before.recovery_codes) == (True, 1, 1)
    async with transaction(sessions, admin) as session:
        await reset_second_factor(session, admin, practitioner_id=person.id)
    async with transaction(sessions, admin) as session:
        after = await factors_of(session, admin, person)
    assert after
    assert (after.password, after.application, after.passkeys, after.recovery_codes) == (True, False, 0, 0)
    assert (await reload(sessions, WebSession, kept.id)).ended_at
    assert len(await audited(sessions, "factors-reset")) == 1
    async with transaction(sessions) as session:
        jobs = await session.scalars(text("select task_name from procrastinate_jobs"))
        assert "mail_notice" in list(jobs)
    with pytest.raises(Refused):
        async with transaction(sessions, admin) as session:
            await reset_second_factor(session, admin, practitioner_id=person.id)


async def test_sessions_here_end_and_no_others(
    sessions: Sessions, cast: Cast, admin: Actor, admin_elsewhere: Actor
) -> None:
    ours, theirs = await open_session_of(sessions, cast.oncall), await open_session_of(sessions, cast.stranger)
    async with transaction(sessions, admin) as session:
        assert await end_sessions_here(session, admin, practitioner_id=cast.oncall.practitioner_id) == 1
    assert (await reload(sessions, WebSession, ours.id)).ended_at
    with pytest.raises(NotFound):
        async with transaction(sessions, admin) as session:
            await end_session_here(session, admin, session_id=theirs.id)
    async with transaction(sessions, admin_elsewhere) as session:
        await end_session_here(session, admin_elsewhere, session_id=theirs.id)
    with pytest.raises(NotFound):
        async with transaction(sessions, admin_elsewhere) as session:
            await end_session_here(session, admin_elsewhere, session_id=theirs.id)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(WebSession.ended_at.is_(None))) == 0
    assert len(await audited(sessions, "session-ended")) == len(await audited(sessions, "sessions-ended")) == 1
