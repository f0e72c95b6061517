"""A key of one's own that only one's password opens: what it seals, nobody else opens, whoever holds the database.

It is wrapped by a key derived from the password (Argon2id, RFC 9106), and once more by the installation's secret: to
guess the password one needs both. Choosing another password wraps it anew. Where the password was forgotten it is lost,
and with it what it sealed: that is what it is for.
"""

import asyncio
import os
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Final

from argon2.low_level import Type, hash_secret_raw
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account, PersonalKey
from teleconsult.accounts.passwords import is_password, normalised
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.sealing import SealBroken, Sealer
from teleconsult.settings import Settings

KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
_PASSES, _KIBIBYTES, _LANES = 2, 19 * 1024, 1
"""As passwords themselves are hashed (`accounts.passwords`); `PersonalKey.salt` begins with the version of these."""
_VERSION: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Opened:
    """A personal key while it is open: what it seals says by `id` which key opens it."""

    id: uuid.UUID
    key: bytes = field(repr=False)

    def sealer(self, purpose: str) -> Sealer:
        """Seals and opens for one purpose."""
        return Sealer(self.key.hex(), purpose)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A personal key under another password, to be kept in the transaction that keeps the password."""

    id: uuid.UUID
    salt: bytes
    wrapped: bytes


async def open_personal_key(sessions: Sessions, settings: Settings, *, account_id: uuid.UUID, password: str) -> Opened:
    """The account's personal key; made where there is none yet. The password was checked just before.

    Takes some 20 ms of CPU outside the event loop, and no transaction meanwhile. Raises SealBroken where it opens with
    another password than this one.
    """
    kept = await _kept(sessions, account_id)
    if kept is None:
        made = await _make(sessions, settings, account_id=account_id, password=password, instead_of=None)
        kept = await _kept(sessions, account_id)
        if kept is None or kept.id == made.id:
            return made
    return await asyncio.to_thread(_unwrap, settings, kept, password)


async def try_personal_key(
    sessions: Sessions, settings: Settings, *, account_id: uuid.UUID, password: str
) -> Opened | None:
    """The account's personal key; None where there is none, or another password opens it. Makes none.

    As long as an account has one, its password opens it and no other does: a new password wraps it anew, or ends it.
    """
    kept = await _kept(sessions, account_id)
    try:
        return await asyncio.to_thread(_unwrap, settings, kept, password) if kept else None
    except SealBroken:
        return None


async def open_or_replace(sessions: Sessions, settings: Settings, *, account_id: uuid.UUID, password: str) -> Opened:
    """The same, and another one instead of what the account's own password does not open: that one is lost.

    Raises SealBroken where this is not the account's password any more.
    """
    try:
        return await open_personal_key(sessions, settings, account_id=account_id, password=password)
    except SealBroken:
        kept = await _kept(sessions, account_id)
        await _make(sessions, settings, account_id=account_id, password=password, instead_of=kept)
        return await open_personal_key(sessions, settings, account_id=account_id, password=password)


async def _make(
    sessions: Sessions, settings: Settings, *, account_id: uuid.UUID, password: str, instead_of: Wrapped | None
) -> Opened:
    """Keep a new one, unless somebody was faster. Raises SealBroken for what is not the account's password now.

    The account stays locked: a password that is chosen meanwhile must find the key, or the key that password.
    """
    made = Opened(uuid.uuid4(), secrets.token_bytes(KEY_BYTES))
    wrapping = await asyncio.to_thread(_wrap, settings, made, password)
    async with transaction(sessions, SYSTEM) as session:
        account = await session.get_one(Account, account_id, with_for_update={"key_share": True})
        if not await is_password(password, account.password_hash):
            raise SealBroken("The account has another password by now.")
        if instead_of is not None:
            same = PersonalKey.id == instead_of.id, PersonalKey.wrapped == instead_of.wrapped
            await session.execute(delete(PersonalKey).where(*same))
        await session.execute(
            insert(PersonalKey)
            .values(id=made.id, account_id=account_id, salt=wrapping.salt, wrapped=wrapping.wrapped, created_at=now())
            .on_conflict_do_nothing(index_elements=["account_id"])
        )
    return made


async def wrapped_anew(
    sessions: Sessions, settings: Settings, *, account_id: uuid.UUID, current: str, new: str
) -> Wrapped | None:
    """The account's personal key under a new password; None where there is none, or `current` does not open it."""
    kept = await _kept(sessions, account_id)
    if kept is None:
        return None
    try:
        opened = await asyncio.to_thread(_unwrap, settings, kept, current)
    except SealBroken:
        return None
    return await asyncio.to_thread(_wrap, settings, opened, new)


async def keep_wrapped(session: AsyncSession, account_id: uuid.UUID, wrapped: Wrapped | None) -> None:
    """Keep it under the new password; without a new wrapping it is lost."""
    kept = await session.scalar(select(PersonalKey).where(PersonalKey.account_id == account_id).with_for_update())
    if kept is None:
        return
    if wrapped is None or wrapped.id != kept.id:
        await session.execute(delete(PersonalKey).where(PersonalKey.id == kept.id))
    else:
        kept.salt, kept.wrapped = wrapped.salt, wrapped.wrapped
    await session.flush()


async def is_kept(session: AsyncSession, account_id: uuid.UUID, key_id: uuid.UUID) -> bool:
    """Whether the personal key with this id is still there for the account."""
    query = select(PersonalKey.id).where(PersonalKey.account_id == account_id, PersonalKey.id == key_id)
    return await session.scalar(query) is not None


async def _kept(sessions: Sessions, account_id: uuid.UUID) -> Wrapped | None:
    async with transaction(sessions, SYSTEM) as session:
        row = await session.scalar(select(PersonalKey).where(PersonalKey.account_id == account_id))
        return Wrapped(row.id, row.salt, row.wrapped) if row else None


def _wrap(settings: Settings, opened: Opened, password: str) -> Wrapped:
    salt = _VERSION + os.urandom(SALT_BYTES)
    inner = _derived(password, salt).seal(opened.key)
    return Wrapped(opened.id, salt, _outer(settings).seal(inner))


def _unwrap(settings: Settings, kept: Wrapped, password: str) -> Opened:
    inner = _outer(settings).open(kept.wrapped)
    return Opened(kept.id, _derived(password, kept.salt).open(inner))


def _outer(settings: Settings) -> Sealer:
    return Sealer(settings.secret_key, "personal keys")


def _derived(password: str, salt: bytes) -> Sealer:
    raw = hash_secret_raw(
        normalised(password).encode(),
        salt,
        time_cost=_PASSES,
        memory_cost=_KIBIBYTES,
        parallelism=_LANES,
        hash_len=KEY_BYTES,
        type=Type.ID,
    )
    return Sealer(raw.hex(), "personal key")
