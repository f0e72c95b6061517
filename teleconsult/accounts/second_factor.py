"""The second factor: a code of an authenticator application (RFC 6238), or one of the codes kept on paper.

How it is set up stands in `accounts.enrolling`.
"""

import hmac
import uuid
from typing import Final

import pyotp
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import RecoveryCode, Totp
from teleconsult.clock import now
from teleconsult.sealing import Sealer, derived_key
from teleconsult.settings import Settings

STEP_SECONDS: Final = 30
DRIFT: Final = 1
"""Steps that a telephone's clock may be off, either way (RFC 6238 §5.2)."""


async def has_second_factor(session: AsyncSession, account_id: uuid.UUID) -> bool:
    """Whether a password or a mailed code is not enough for this account."""
    found = select(Totp.id).where(Totp.account_id == account_id, Totp.confirmed_at.is_not(None))
    return await session.scalar(found) is not None


async def take_code(session: AsyncSession, settings: Settings, *, account_id: uuid.UUID, code: str) -> bool:
    """Whether `code` is good now: of the application or of the paper. One that is good was good this once.

    Count the try first (`limits.attempt`): six digits are soon guessed.
    """
    code = "".join(code.split()).replace("-", "").lower()
    if not code.isascii():
        return False
    if code.isdigit():
        return await _take_totp(session, settings, account_id, code)
    return await _take_recovery_code(session, settings, account_id, code)


def totp_sealer(settings: Settings) -> Sealer:
    """Seals the secrets shared with authenticator applications."""
    return Sealer(settings.secret_key, "second factors")


def step_of(settings: Settings, totp: Totp, code: str) -> int | None:
    """The time step whose code this is, within the drift and later than the last one taken; else None."""
    generator = pyotp.TOTP(totp_sealer(settings).open(totp.secret_sealed).decode(), interval=STEP_SECONDS)
    present = generator.timecode(now())
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        is_match = hmac.compare_digest(generator.generate_otp(step), code)
        if is_match and (totp.last_step is None or step > totp.last_step):
            found = step
    return found


def recovery_code_hash(settings: Settings, account_id: uuid.UUID, code: str) -> bytes:
    """What is kept of a code on paper: 50 bits, so the key stays outside the database (SP 800-63B-4 §3.1.2.2)."""
    return hmac.digest(derived_key(settings.secret_key, "recovery codes"), account_id.bytes + code.encode(), "sha256")


async def _take_totp(session: AsyncSession, settings: Settings, account_id: uuid.UUID, code: str) -> bool:
    totp = await session.scalar(
        select(Totp)
        .where(Totp.account_id == account_id, Totp.confirmed_at.is_not(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    step = step_of(settings, totp, code) if totp else None
    if totp is None or step is None:
        return False
    totp.last_step = step
    return True


async def _take_recovery_code(session: AsyncSession, settings: Settings, account_id: uuid.UUID, code: str) -> bool:
    kept = await session.scalar(
        select(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.code_hash == recovery_code_hash(settings, account_id, code),
            RecoveryCode.used_at.is_(None),
        )
        .with_for_update()
    )
    if kept is None:
        return False
    kept.used_at = now()
    audit.record(session, SYSTEM, "recovery-code-used", kept, account=account_id)
    return True
