"""Passwords: Argon2id (RFC 9106), the same time spent whether or not the account exists.

A password is compared in one normal form (NFKC, as NIST SP 800-63B-4 §3.1.1.2 and RFC 8265 §4 ask), so that one typed
on another keyboard fits as well. What was hashed before that rule goes on fitting as it was typed.
"""

import asyncio
import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST: Final = 256
"""Characters; what is longer is refused before it is hashed."""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def normalised(password: str) -> str:
    """The one form of a password that is hashed and counted."""
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    """The Argon2id hash to keep. Takes some 20 ms of CPU: in a request, use `hash_apart`."""
    return _hasher().hash(normalised(password))


async def hash_apart(password: str) -> str:
    """The same, outside the event loop."""
    return await asyncio.to_thread(hash_password, password)


async def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password fits; `None` (no such account) takes as long and never fits."""
    if len(password) > LONGEST:
        return False
    return await asyncio.to_thread(_verify, password, password_hash)


def is_outdated(password: str, password_hash: str) -> bool:
    """Whether a password that fits should be hashed anew: our parameters or its normal form changed since."""
    form = normalised(password)
    return _hasher().check_needs_rehash(password_hash) or (form != password and not _fits(form, password_hash))


def _verify(password: str, password_hash: str | None) -> bool:
    forms = dict.fromkeys((normalised(password), password))
    fits = [_fits(form, password_hash or _nobody()) for form in forms]
    return any(fits) and password_hash is not None


def _fits(password: str, password_hash: str) -> bool:
    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
