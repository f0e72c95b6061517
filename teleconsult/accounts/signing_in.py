"""Signing in by password, and the second factor where the account has one."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts import one_time
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.entering import Entry, Visit, account_at, admitted, enter
from teleconsult.accounts.limits import Door, attempt, forgive
from teleconsult.accounts.models import Account, OneTimeSecret, SecretPurpose
from teleconsult.accounts.passwords import hash_apart, is_outdated, is_password
from teleconsult.accounts.refusing import record_refused
from teleconsult.accounts.second_factor import take_code
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, Refused
from teleconsult.settings import Settings


async def sign_in(sessions: Sessions, settings: Settings, *, email: str, password: str, visit: Visit) -> Entry:
    """Check the password: then there is a session, or a second factor is awaited from the same browser.

    Raises Invalid with the same words whether the account is unknown, disabled or the password wrong, and TooMany
    as `limits.attempt` does. The attempt is kept in a transaction of its own, whatever comes after.
    """
    async with transaction(sessions, SYSTEM) as session:
        attempt_id = await attempt(
            session, settings, door=Door.PASSWORD, email=email, address=visit.address, device=visit.device
        )
        account = await account_at(session, email)
    kept = account.password_hash if account else None
    fits = await is_password(password, kept)
    fresh = await hash_apart(password) if fits and kept and is_outdated(password, kept) else None
    entry: Entry | None = None
    async with transaction(sessions, SYSTEM) as session:
        fits = fits and account is not None and await _is_still(session, account, password_hash=kept)
        if fits and account is not None:
            await forgive(session, attempt_id)
            if fresh:
                await session.execute(update(Account).where(Account.id == account.id).values(password_hash=fresh))
            entry = await enter(session, settings, account, methods="pwd", visit=visit)
        else:
            await record_refused(session, account, "sign-in-failed", visit=visit)
    if not fits:
        raise Invalid({"": "The e-mail address or the password is not right."})
    return admitted(entry)


async def _is_still(session: AsyncSession, account: Account, *, password_hash: str | None) -> bool:
    """Whether the password that was looked at is the account's yet; nobody chooses another one meanwhile."""
    unchanged = (Account.password_hash == password_hash) & Account.disabled_at.is_(None)
    found = select(Account.id).where(Account.id == account.id, unchanged).with_for_update(key_share=True)
    return await session.scalar(found) is not None


async def show_second_factor(sessions: Sessions, settings: Settings, *, browser: str, code: str, visit: Visit) -> Entry:
    """The second step: a code of the authenticator application, or one of those on paper.

    `browser` is what its cookie holds since the first step. Raises Refused when that was too long ago or tried too
    often, Invalid on field `code` for a wrong one, and TooMany.
    """
    entry: Entry | None = None
    async with transaction(sessions, SYSTEM) as session:
        awaited, account = await _awaiting(session, browser)
        attempt_id = await attempt(
            session,
            settings,
            door=Door.SECOND_FACTOR,
            email=account.email,
            address=visit.address,
            device=visit.device,
        )
        fits = await take_code(session, settings, account_id=account.id, code=code)
        if fits:
            await forgive(session, attempt_id)
            awaited.used_at = now()
            entry = await enter(session, settings, account, methods=f"{awaited.methods} otp", visit=visit)
        else:
            awaited.wrong_tries += 1
            await record_refused(session, account, "second-factor-failed", visit=visit)
    if not fits:
        raise Invalid({"code": "This code is not right, or it was used already. Wait for the next one."})
    return admitted(entry)


async def _awaiting(session: AsyncSession, browser: str) -> tuple[OneTimeSecret, Account]:
    """The wait that this browser's cookie stands for, locked, and whose it is."""
    awaited = await one_time.held_by(session, SecretPurpose.SECOND_FACTOR, browser)
    account = await session.get(Account, awaited.account_id) if awaited else None
    if awaited is None or account is None or account.disabled_at is not None:
        raise Refused("This step took too long or was tried too often. Sign in again.")
    return awaited, account


async def set_locale(session: AsyncSession, actor: Actor, *, locale: str) -> None:
    """Keep the language the person chose."""
    await session.execute(update(Account).where(Account.id == actor.account_id).values(locale=locale))
