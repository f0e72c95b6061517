"""Secrets that are good once: a mailed code, a mailed link, the wait for a second factor. Only hashes are kept.

A secret that is mailed is drawn by the job that mails it (`messages.jobs`), so that no queue ever holds one.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import Account, OneTimeSecret, SecretPurpose
from teleconsult.clock import now
from teleconsult.sealing import derived_key
from teleconsult.settings import Settings

LIFETIME: Final[Mapping[SecretPurpose, timedelta]] = {
    SecretPurpose.SECOND_FACTOR: timedelta(minutes=10),
    SecretPurpose.SIGN_IN_CODE: timedelta(minutes=10),
    SecretPurpose.PASSWORD_RESET: timedelta(minutes=30),
    SecretPurpose.INVITATION: timedelta(days=7),
    SecretPurpose.SESSION_JOIN: timedelta(minutes=2),
    SecretPurpose.PHONE_CODE: timedelta(minutes=30),
}
MOST_WRONG: Final = 5
CODE_DIGITS: Final = 8


def new_token() -> str:
    """256 random bits, for a cookie or a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of such a token: it has bits enough to need no salt."""
    return hashlib.sha256(token.encode()).digest()


async def keep(
    session: AsyncSession,
    purpose: SecretPurpose,
    *,
    account_id: uuid.UUID | None,
    browser: str = "",
    whose: bytes | None = None,
    methods: str = "",
) -> OneTimeSecret:
    """A new row, good from now for as long as its purpose says. `browser` is the token its cookie holds.

    For an unknown account the same row is kept, without `account_id`.
    """
    moment = now()
    kept = OneTimeSecret(
        id=uuid.uuid4(),
        purpose=purpose,
        account_id=account_id,
        browser_hash=token_hash(browser) if browser else None,
        email_hash=whose,
        methods=methods,
        created_at=moment,
        expires_at=moment + LIFETIME[purpose],
    )
    session.add(kept)
    await session.flush()
    return kept


def draw_code(settings: Settings, kept: OneTimeSecret) -> str:
    """A new 8-digit code for the row; the one before is worth nothing."""
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    kept.secret_hash = _code_hash(settings, kept, code)
    return code


def draw_token(kept: OneTimeSecret) -> str:
    """A new token for the row's link; the one before is worth nothing."""
    token = new_token()
    kept.secret_hash = token_hash(token)
    return token


def is_code(settings: Settings, kept: OneTimeSecret, code: str) -> bool:
    """Whether this is the row's code; takes as long where none was drawn."""
    given = _code_hash(settings, kept, "".join(code.split()))
    return hmac.compare_digest(given, kept.secret_hash or bytes(len(given))) and kept.account_id is not None


@dataclass(frozen=True, slots=True)
class Link:
    """A mailed link as it was followed, and what the cookie of the browser that follows it holds."""

    token: str
    browser: str


async def held_by(session: AsyncSession, purpose: SecretPurpose, browser: str) -> OneTimeSecret | None:
    """The row this browser's cookie stands for, locked; None when it is used, over, or was tried too often."""
    return await session.scalar(_open(purpose).where(OneTimeSecret.browser_hash == token_hash(browser)))


async def behind_link(session: AsyncSession, purpose: SecretPurpose, token: str) -> OneTimeSecret | None:
    """The row a mailed link leads to, locked; None when it is used or over."""
    return await session.scalar(_open(purpose).where(OneTimeSecret.secret_hash == token_hash(token)))


def is_of_browser(kept: OneTimeSecret, browser: str) -> bool:
    """Whether the row is bound to the browser whose cookie holds this token."""
    return hmac.compare_digest(token_hash(browser), kept.browser_hash or b"")


async def followed(session: AsyncSession, purpose: SecretPurpose, link: Link) -> Account | None:
    """Whose link this is, the account locked; None when it is used, over, another browser's, or the account disabled.

    The reasons look alike: who holds a link that is not theirs learns nothing from it.
    """
    kept = await behind_link(session, purpose, link.token)
    if kept is None or kept.account_id is None or not is_of_browser(kept, link.browser):
        return None
    account = await session.get(Account, kept.account_id, with_for_update=True)
    return account if account is not None and account.disabled_at is None else None


async def spend_all(session: AsyncSession, account_id: uuid.UUID, *purposes: SecretPurpose) -> None:
    """Nothing that was drawn for the account is good any more; of these purposes only, where some are named."""
    await session.execute(
        update(OneTimeSecret)
        .where(
            OneTimeSecret.account_id == account_id,
            OneTimeSecret.used_at.is_(None),
            OneTimeSecret.purpose.in_(purposes or SecretPurpose),
        )
        .values(used_at=now())
    )


def _open(purpose: SecretPurpose) -> Select[OneTimeSecret]:
    return (
        select(OneTimeSecret)
        .where(
            OneTimeSecret.purpose == purpose,
            OneTimeSecret.used_at.is_(None),
            OneTimeSecret.expires_at > now(),
            OneTimeSecret.wrong_tries < MOST_WRONG,
        )
        .order_by(OneTimeSecret.created_at.desc())
        .limit(1)
        .with_for_update()
    )


def _code_hash(settings: Settings, kept: OneTimeSecret, code: str) -> bytes:
    """Eight digits are soon tried out: the key stays outside the database (NIST SP 800-63B-4 §3.1.2.2)."""
    return hmac.digest(derived_key(settings.secret_key, "one-time codes"), kept.id.bytes + code.encode(), "sha256")
