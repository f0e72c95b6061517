"""How often anybody may try: one allowance for all doors together, an account's and an address's."""

import hmac
import uuid
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import SignInAttempt
from teleconsult.clock import now
from teleconsult.errors import TooMany
from teleconsult.sealing import derived_key
from teleconsult.settings import Settings

WINDOW: Final = timedelta(minutes=15)
WRONG_PER_ACCOUNT: Final = 10
WRONG_PER_ADDRESS: Final = 50


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


async def attempt(
    session: AsyncSession, settings: Settings, *, door: Door, address: str, email: str | None = None
) -> uuid.UUID:
    """Keep a try, as a wrong one until `forgive`: many at once count like one by one. Returns its id.

    `email` names the account, existing or not. Raises TooMany after 10 wrong tries for one account or 50 from one
    address within 15 minutes, at whatever doors. Tries for one account, or from one address, take turns here.
    """
    of_account = _account_hash(settings, email) if email else None
    for what in filter(None, (f"tries for {email}" if email else None, f"tries from {address}")):
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))
    wrong = select(func.count()).where(SignInAttempt.attempted_at > now() - WINDOW, SignInAttempt.succeeded.is_(False))
    by_address = await session.scalar(wrong.where(SignInAttempt.address == address)) or 0
    by_account = await session.scalar(wrong.where(SignInAttempt.email_hash == of_account)) or 0
    if by_address >= WRONG_PER_ADDRESS or (of_account and by_account >= WRONG_PER_ACCOUNT):
        raise TooMany(
            "Too many attempts. Wait %(minutes)s minutes, or ask your administrator.",
            retry_after=int(WINDOW.total_seconds()),
            minutes=int(WINDOW.total_seconds() // 60),
        )
    kept = SignInAttempt(
        id=uuid.uuid4(), email_hash=of_account, address=address, door=door, attempted_at=now(), succeeded=False
    )
    session.add(kept)
    await session.flush()
    return kept.id


async def forgive(session: AsyncSession, attempt_id: uuid.UUID) -> None:
    """The try was a right one."""
    await session.execute(update(SignInAttempt).where(SignInAttempt.id == attempt_id).values(succeeded=True))


def _account_hash(settings: Settings, email: str) -> bytes:
    return hmac.digest(derived_key(settings.secret_key, "sign-in attempts"), email.strip().lower().encode(), "sha256")
