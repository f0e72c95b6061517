"""The keys of our tokens: one signs, the one before is honoured for a while, nothing else is believed."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import TokenKey
from teleconsult.accounts.token_keys import KEY_LIFE, LONGEST, BadToken, rotate_keys, sign, verify
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.sealing import Sealer
from tests.people import SECRET

SEALER = Sealer(SECRET)
KIND = {"typ": "test+jwt", "audience": "tests"}


async def signed(db: AsyncSession, **claims: object) -> str:
    return await sign(db, SEALER, **KIND, life=timedelta(minutes=1), claims={"sub": "me", **claims})


async def test_what_was_signed_is_read_back(db: AsyncSession) -> None:
    claims = await verify(db, await signed(db, colour="blue"), **KIND)
    assert claims["sub"] == "me"
    assert claims["colour"] == "blue"
    assert claims["exp"] - claims["iat"] == 60


async def test_nothing_lives_longer_than_a_day(db: AsyncSession) -> None:
    token = await sign(db, SEALER, **KIND, life=timedelta(days=400), claims={"sub": "me"})
    claims = await verify(db, token, **KIND)
    assert claims["exp"] - claims["iat"] == LONGEST.total_seconds()


async def test_another_kind_or_audience_is_refused(db: AsyncSession) -> None:
    token = await signed(db)
    with pytest.raises(BadToken):
        await verify(db, token, typ="at+jwt", audience="tests")
    with pytest.raises(BadToken) as refused:
        await verify(db, token, typ="test+jwt", audience="others")
    assert refused.value.is_ours


async def test_the_key_before_is_honoured_until_its_tokens_are_over(db: AsyncSession) -> None:
    before = await signed(db)
    await rotate_keys(db, SEALER)
    after = await signed(db)
    assert await db.scalar(select(func.count()).select_from(TokenKey)) == 2
    for token in (before, after):
        assert (await verify(db, token, **KIND))["sub"] == "me"
    await db.execute(update(TokenKey).where(TokenKey.retired_at.is_not(None)).values(retired_at=now()))
    with pytest.raises(BadToken) as refused:
        await verify(db, before, **KIND)
    assert refused.value.is_ours
    assert (await verify(db, after, **KIND))["sub"] == "me"


async def test_a_key_that_leaked_is_honoured_no_more(db: AsyncSession) -> None:
    oldest = await signed(db)
    await rotate_keys(db, SEALER)
    leaked = await signed(db)
    await rotate_keys(db, SEALER, at_once=True)
    for token in (oldest, leaked):
        with pytest.raises(BadToken):
            await verify(db, token, **KIND)
    assert (await verify(db, await signed(db), **KIND))["sub"] == "me"


async def test_a_rotation_never_prolongs_a_retired_key(db: AsyncSession) -> None:
    first = await rotate_keys(db, SEALER)
    await rotate_keys(db, SEALER)
    soon = now() + timedelta(minutes=5)
    await db.execute(update(TokenKey).where(TokenKey.id == first.id).values(retired_at=soon))
    await rotate_keys(db, SEALER)
    await db.refresh(first)
    assert first.retired_at == soon


async def test_an_old_key_is_followed_by_a_new_one_by_itself(db: AsyncSession) -> None:
    before = await signed(db)
    await db.execute(update(TokenKey).values(created_at=now() - KEY_LIFE))
    await signed(db)
    assert await db.scalar(select(func.count()).select_from(TokenKey)) == 2
    assert (await verify(db, before, **KIND))["sub"] == "me"


async def test_a_rotation_is_audited(db: AsyncSession) -> None:
    key = await rotate_keys(db, SEALER)
    assert await db.scalar(
        select(AuditEvent.id).where(AuditEvent.action == "token-key-rotated", AuditEvent.entity_id == key.id)
    )


async def test_the_private_half_lies_sealed(db: AsyncSession) -> None:
    key = await rotate_keys(db, SEALER)
    assert b"PRIVATE" not in key.private_key_sealed
    assert "PRIVATE" not in key.public_key
