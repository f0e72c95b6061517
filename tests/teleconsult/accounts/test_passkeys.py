"""Adding a passkey and removing it: whose, from where, once, and never the last way in."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import Account, OneTimeSecret, Passkey
from teleconsult.accounts.passkey_proofs import passkeys_of
from teleconsult.accounts.passkeys import MOST, add_passkey, registration_options, remove_passkey
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions
from teleconsult.errors import Invalid, NotFound, Refused, StepUpNeeded
from teleconsult.settings import Settings
from tests.authenticator import SoftKey
from tests.passkey_steps import added, fresh
from tests.people import Cast


async def test_several_are_kept_each_with_its_name(
    db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    await added(db, settings, actor, SoftKey(), name="  My   telephone ")
    await added(db, settings, actor, SoftKey(), name="Grey key")
    kept = await passkeys_of(db, actor.account_id)
    assert [passkey.name for passkey in kept] == ["My telephone", "Grey key"]
    audited = await db.scalars(select(AuditEvent.entity_id).where(AuditEvent.action == "passkey-added"))
    assert set(audited) == {passkey.id for passkey in kept}


async def test_it_wants_a_factor_shown_just_now(db: AsyncSession, settings: Settings, cast: Cast) -> None:
    stale = replace(cast.rural, factor_at=now() - timedelta(minutes=3))
    with pytest.raises(StepUpNeeded):
        await registration_options(db, settings, stale)
    with pytest.raises(StepUpNeeded):
        await add_passkey(db, settings, stale, answer="", name="x")
    with pytest.raises(StepUpNeeded):
        await remove_passkey(db, stale, passkey_id=cast.patient.id)


async def test_an_answer_counts_once(db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    answer = SoftKey().make(await registration_options(db, settings, actor))
    await add_passkey(db, settings, actor, answer=answer, name="One")
    with pytest.raises(Invalid):
        await add_passkey(db, settings, actor, answer=answer, name="Two")


@pytest.mark.parametrize(
    "key",
    [SoftKey(origin="https://evil.example"), SoftKey(origin="http://localhost:1"), SoftKey(is_verified=False)],
    ids=["another site", "another port", "user not verified"],
)
async def test_from_elsewhere_or_unverified_it_is_refused(
    db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast, key: SoftKey
) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    with pytest.raises(Invalid):
        await add_passkey(
            db, settings, actor, answer=key.make(await registration_options(db, settings, actor)), name="x"
        )


async def test_a_challenge_is_for_one_session_and_five_minutes(
    db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    actor, other = await fresh(sessions, settings, cast.rural), await fresh(sessions, settings, cast.rural)
    stolen = SoftKey().make(await registration_options(db, settings, actor))
    with pytest.raises(Invalid):
        await add_passkey(db, settings, other, answer=stolen, name="x")
    late = SoftKey().make(await registration_options(db, settings, actor))
    await db.execute(update(OneTimeSecret).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(Invalid):
        await add_passkey(db, settings, actor, answer=late, name="x")


async def test_one_credential_is_of_one_account(
    db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    key = SoftKey()
    await added(db, settings, await fresh(sessions, settings, cast.rural), key)
    with pytest.raises(Invalid, match="registered already"):
        await added(db, settings, await fresh(sessions, settings, cast.specialist), key)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
async def test_a_name_is_needed(
    db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast, name: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await added(db, settings, await fresh(sessions, settings, cast.rural), SoftKey(), name=name)
    assert set(refused.value.fields) == {"name"}


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", "x" * 20_000, "[" * 9000, '{"id": "\\ud800"}'])
async def test_what_no_browser_sends_is_refused_in_words(
    db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast, answer: str
) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    with pytest.raises(Invalid):
        await add_passkey(db, settings, actor, answer=answer, name="x")


async def test_twenty_are_enough(db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    for number in range(MOST):
        await added(db, settings, actor, SoftKey(), name=f"Key {number}")
    with pytest.raises(Refused):
        await registration_options(db, settings, actor)


async def test_a_removed_one_counts_no_more(
    db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    passkey = await added(db, settings, actor, SoftKey())
    await remove_passkey(db, actor, passkey_id=passkey.id)
    await db.flush()
    assert not await passkeys_of(db, actor.account_id)
    assert await db.scalar(select(func.count()).where(AuditEvent.action == "passkey-removed")) == 1
    with pytest.raises(NotFound):
        await remove_passkey(db, actor, passkey_id=passkey.id)


async def test_anothers_is_not_there(db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast) -> None:
    passkey = await added(db, settings, await fresh(sessions, settings, cast.rural), SoftKey())
    with pytest.raises(NotFound):
        await remove_passkey(db, await fresh(sessions, settings, cast.colleague), passkey_id=passkey.id)
    assert (await db.get_one(Passkey, passkey.id)).revoked_at is None


async def test_the_only_way_in_stays(db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast) -> None:
    actor = await fresh(sessions, settings, cast.rural)
    first = await added(db, settings, actor, SoftKey())
    await db.execute(update(Account).where(Account.id == actor.account_id).values(password_hash=None))
    with pytest.raises(Refused):
        await remove_passkey(db, actor, passkey_id=first.id)
    await added(db, settings, actor, SoftKey())
    await remove_passkey(db, actor, passkey_id=first.id)


async def test_a_site_without_a_name_has_none(
    db: AsyncSession, sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    numbered = settings.model_copy(update={"public_url": "https://192.0.2.9"})
    with pytest.raises(Refused):
        await registration_options(db, numbered, await fresh(sessions, settings, cast.rural))
