"""Where every way in ends: a session, or the wait for a second factor."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts import one_time
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account, SecretPurpose
from teleconsult.accounts.second_factor import has_second_factor
from teleconsult.accounts.sessions import first_role, open_session
from teleconsult.errors import Invalid
from teleconsult.settings import Settings

SECOND_FACTORS: Final = frozenset({"otp", "hwk", "mfa"})
"""As RFC 8176 names them: a one-time code, a key in hardware, several factors at another's door."""


@dataclass(frozen=True, slots=True)
class Visit:
    """From where somebody knocks."""

    address: str
    user_agent: str = ""
    device: str = ""
    """The cookie by which a browser is known to have signed in before (`accounts.devices`), as it came."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The way in is gone to its end."""

    actor: Actor
    token: str
    """For the session's cookie."""
    email: str
    """For the cookie that remembers this browser."""


@dataclass(frozen=True, slots=True)
class FactorAwaited:
    """What was shown was right; a second factor is awaited from the same browser."""

    browser: str
    """For the cookie that binds the wait to this browser, a new one each time."""


Entry = SignedIn | FactorAwaited


async def account_at(session: AsyncSession, email: str) -> Account | None:
    """The account that signs in with this address, unless it is disabled."""
    return await session.scalar(
        select(Account).where(Account.id == func.account_of(email.strip()), Account.disabled_at.is_(None))
    )


async def enter(
    session: AsyncSession, settings: Settings, account: Account, *, methods: str, visit: Visit
) -> Entry | None:
    """What comes after the account's owner has shown `methods` (RFC 8176): a session, or the wait for the rest.

    None where the account has no role at any establishment: commit, then raise by `admitted`.
    """
    if SECOND_FACTORS.isdisjoint(methods.split()) and await has_second_factor(session, account.id):
        browser = one_time.new_token()
        await one_time.keep(
            session, SecretPurpose.SECOND_FACTOR, account_id=account.id, browser=browser, methods=methods
        )
        return FactorAwaited(browser)
    role = await first_role(session, account)
    if role is None:
        audit.record(session, None, "sign-in-failed", account, outcome="denied", address=visit.address)
        return None
    actor, token = open_session(
        session,
        settings,
        account,
        role,
        methods=methods,
        address=visit.address,
        user_agent=visit.user_agent,
    )
    audit.record(session, actor, "signed-in", account, address=visit.address, methods=methods)
    return SignedIn(actor, token, account.email)


def admitted(entry: Entry | None) -> Entry:
    """The same entry; raises Invalid where there was none."""
    if entry is None:
        raise Invalid({"": "This account has no role at an establishment. Ask your administrator."})
    return entry
