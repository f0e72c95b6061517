"""Passwords: one normal form, old hashes go on fitting, and are renewed as their owners come in."""

import unicodedata

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from teleconsult.accounts.entering import SignedIn, Visit
from teleconsult.accounts.models import Account
from teleconsult.accounts.passwords import LONGEST, hash_password, is_outdated, is_password
from teleconsult.accounts.signing_in import sign_in
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.people import PASSWORD, Cast

OLDER = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
VISIT = Visit(address="192.0.2.1")


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
async def test_every_keyboards_accents_fit(form: str) -> None:
    kept = hash_password("l’été à Gaspé, ﬁn")
    assert await is_password(unicodedata.normalize(form, "l’été à Gaspé, ﬁn"), kept)
    assert not await is_password("l’ete a Gaspe, fin", kept)


async def test_what_was_hashed_before_the_rule_still_fits() -> None:
    decomposed = unicodedata.normalize("NFD", "l’été à Gaspé")
    kept = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(decomposed)
    assert await is_password(decomposed, kept)
    assert is_outdated(decomposed, kept)
    assert not is_outdated(PASSWORD, hash_password(PASSWORD))


async def test_nothing_fits_nobody() -> None:
    assert not await is_password("nobody has this password", None)
    assert not await is_password("x" * (LONGEST + 1), hash_password("x" * (LONGEST + 1)))
    assert not await is_password("x", "no hash at all")


@pytest.mark.parametrize("password", [PASSWORD, unicodedata.normalize("NFD", "mot passé d’été")])
async def test_an_older_hash_is_renewed_at_sign_in(
    cast: Cast, sessions: Sessions, settings: Settings, password: str
) -> None:
    kept = OLDER.hash(password)
    async with transaction(sessions) as session:
        await session.execute(update(Account).where(Account.id == cast.rural.account_id).values(password_hash=kept))
    for _ in range(2):
        entry = await sign_in(sessions, settings, email=cast.emails["rural"], password=password, visit=VISIT)
        assert isinstance(entry, SignedIn)
        async with sessions() as session:
            account = await session.get_one(Account, cast.rural.account_id)
        assert account.password_hash
        assert account.password_hash != kept
        assert not is_outdated(password, account.password_hash)
