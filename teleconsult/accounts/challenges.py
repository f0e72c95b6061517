"""What a passkey is asked to sign: random, good once, for five minutes, from one browser or session alone."""

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import OneTimeSecret, SecretPurpose
from teleconsult.clock import now

LIFETIME: Final = timedelta(minutes=5)
_BYTES: Final = 32


def new_challenge(
    session: AsyncSession, *, purpose: SecretPurpose, holder: str, account_id: uuid.UUID | None = None
) -> bytes:
    """32 random bytes (WebAuthn §13.4.3) for who holds a session's id or a browser's cookie. Only hashes are kept."""
    challenge, moment = secrets.token_bytes(_BYTES), now()
    session.add(
        OneTimeSecret(
            purpose=purpose,
            account_id=account_id,
            secret_hash=_hash(challenge),
            browser_hash=_hash(holder.encode()),
            created_at=moment,
            expires_at=moment + LIFETIME,
        )
    )
    return challenge


async def take_challenge(session: AsyncSession, challenge: bytes, *, purpose: SecretPurpose, holder: str) -> bool:
    """Whether this challenge was ours to answer, for this and by this holder; from now on it is not."""
    taken = await session.scalar(
        update(OneTimeSecret)
        .where(
            OneTimeSecret.secret_hash == _hash(challenge),
            OneTimeSecret.browser_hash == _hash(holder.encode()),
            OneTimeSecret.purpose == purpose,
            OneTimeSecret.used_at.is_(None),
            OneTimeSecret.expires_at > now(),
        )
        .values(used_at=now())
        .returning(OneTimeSecret.id)
    )
    return taken is not None


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
