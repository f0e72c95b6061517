"""How often anybody may try: one allowance for all doors together, an account's and an address's.

A browser that has signed in to the account before has an allowance of its own (`accounts.devices`), and so has a
session that steps up: who types wrong passwords for somebody else keeps them out of nothing but new browsers.
"""

import hmac
import uuid
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.devices import known_browser
from teleconsult.accounts.models import SignInAttempt
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import TooMany
from teleconsult.sealing import derived_key
from teleconsult.settings import Settings

WINDOW: Final = timedelta(minutes=15)
WRONG_PER_ACCOUNT: Final = 10
WRONG_PER_ADDRESS: Final = 50
WRONG_IN_A_ROW: Final = 100
"""At one door, for one account, without a right one between (NIST SP 800-63B-4 §3.2.2)."""
REMEMBERED: Final = timedelta(days=30)
"""How long tries are kept, and so how long a row of wrong ones can get."""


class Door(StrEnum):
    """Where somebody tried to prove who they are."""

    PASSWORD = "password"  # noqa: S105  # the name of a door
    SECOND_FACTOR = "second-factor"
    MAILED_CODE = "mailed-code"
    RESET = "reset"
    PASSKEY = "passkey"
    FEDERATED = "federated"
    STEP_UP = "step-up"
    BEARER = "bearer"
    GUEST = "guest"
    SYSTEM = "system"


_GUESSED: Final = frozenset({Door.PASSWORD, Door.SECOND_FACTOR})
"""Doors whose secret stays the same however often it is guessed at."""


async def attempt(
    session: AsyncSession,
    settings: Settings,
    *,
    door: Door,
    address: str,
    email: str | None = None,
    whose: bytes | None = None,
    device: str = "",
    known: bytes | None = None,
) -> uuid.UUID:
    """Keep a try, as a wrong one until `forgive`: many at once count like one by one. Returns its id.

    `email` names the account, existing or not, or `whose` does (`account_hash`). `device` is the cookie by which a
    browser is known, `known` a session that has been let in already.
    Raises TooMany after 10 wrong tries for one account or 50 from one address within 15 minutes, at whatever doors,
    and after 100 in a row at one door. Tries for one account, or from one address, take turns here.
    """
    whose = account_hash(settings, email) if email else whose
    if whose is not None and known is None:
        known = known_browser(settings, device, whose=whose)
    turns = ([f"tries for {whose.hex()}"] if whose else []) + [f"tries from {address}"]
    for turn in turns:  # everywhere in this order, so that nobody waits in a circle
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(turn, 0))))
    of_address = SignInAttempt.address == address
    of_account = (SignInAttempt.email_hash == whose) & SignInAttempt.known_hash.is_not_distinct_from(known)
    is_over = known is None and await _wrong(session, of_address) >= WRONG_PER_ADDRESS
    if whose is not None:
        is_over |= await _wrong(session, of_account) >= WRONG_PER_ACCOUNT
        if door in _GUESSED and await _wrong_in_a_row(session, of_account, door) >= WRONG_IN_A_ROW:
            raise TooMany(
                "This way in is closed after too many attempts. Choose a new password, or ask your administrator.",
                retry_after=int(REMEMBERED.total_seconds()),
            )
    if is_over:
        raise TooMany(
            "Too many attempts. Wait %(minutes)s minutes, or ask your administrator.",
            retry_after=int(WINDOW.total_seconds()),
            minutes=int(WINDOW.total_seconds() // 60),
        )
    kept = SignInAttempt(
        id=uuid.uuid4(),
        email_hash=whose,
        known_hash=known,
        address=address,
        door=door,
        attempted_at=now(),
        succeeded=False,
    )
    session.add(kept)
    await session.flush()
    return kept.id


async def forgive(session: AsyncSession, attempt_id: uuid.UUID) -> None:
    """The try was a right one."""
    await session.execute(update(SignInAttempt).where(SignInAttempt.id == attempt_id).values(succeeded=True))


async def count_wrong(sessions: Sessions, settings: Settings, *, door: Door, address: str) -> None:
    """Keep a wrong try at a door that knows no account: a bearer token or a guest's link that was never ours.

    In a transaction of its own, so that it stays whatever becomes of the request. Raises TooMany like `attempt`.
    One that has merely expired is no try: a machine that repeats it must not shut the door on its whole site.
    """
    async with transaction(sessions, SYSTEM) as session:
        await attempt(session, settings, door=door, address=address)


async def start_over(session: AsyncSession, settings: Settings, *, email: str) -> None:
    """Forget the tries for an account: its owner has just chosen a new password."""
    await session.execute(delete(SignInAttempt).where(SignInAttempt.email_hash == account_hash(settings, email)))


def account_hash(settings: Settings, email: str) -> bytes:
    """What stands for the e-mail address in kept tries: without our key nobody learns who tried."""
    return hmac.digest(derived_key(settings.secret_key, "sign-in attempts"), email.strip().lower().encode(), "sha256")


async def _wrong(session: AsyncSession, which: ColumnElement[bool]) -> int:
    return (
        await session.scalar(
            select(func.count()).where(
                which, SignInAttempt.succeeded.is_(False), SignInAttempt.attempted_at > now() - WINDOW
            )
        )
        or 0
    )


async def _wrong_in_a_row(session: AsyncSession, which: ColumnElement[bool], door: Door) -> int:
    at_door = which & (SignInAttempt.door == door) & (SignInAttempt.attempted_at > now() - REMEMBERED)
    last_right = select(func.max(SignInAttempt.attempted_at)).where(at_door, SignInAttempt.succeeded.is_(True))
    since = func.coalesce(last_right.scalar_subquery(), now() - REMEMBERED)
    return await session.scalar(select(func.count()).where(at_door, SignInAttempt.attempted_at > since)) or 0
