"""Passwords: Argon2id (RFC 9106), the same time spent whether or not the account exists."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST = 256
"""Characters; what is longer is refused before it is hashed."""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def hash_password(password: str) -> str:
    """The Argon2id hash to keep."""
    return _hasher().hash(password)


async def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password fits; `None` (no such account) takes as long and never fits."""
    if len(password) > LONGEST:
        return False
    return await asyncio.to_thread(_verify, password, password_hash)


def _verify(password: str, password_hash: str | None) -> bool:
    try:
        return _hasher().verify(password_hash or _nobody(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
