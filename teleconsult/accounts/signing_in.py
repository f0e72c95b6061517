"""Signing in by password."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.limits import Door, attempt, forgive
from teleconsult.accounts.models import Account
from teleconsult.accounts.passwords import is_password
from teleconsult.accounts.sessions import first_role, open_session
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid
from teleconsult.settings import Settings


async def sign_in(
    sessions: Sessions, settings: Settings, *, email: str, password: str, address: str, user_agent: str = ""
) -> tuple[Actor, str]:
    """Check the password, open a session: the actor and the cookie's token.

    Raises Invalid with the same words whether the account is unknown, disabled or the password wrong, and TooMany
    as `limits.attempt` does. The attempt is kept in a transaction of its own, whatever comes after.
    """
    email = email.strip().lower()
    async with transaction(sessions, SYSTEM) as session:
        attempt_id = await attempt(session, settings, door=Door.PASSWORD, email=email, address=address)
        account = await session.scalar(
            select(Account).where(func.lower(Account.email) == email, Account.disabled_at.is_(None))
        )
    fits = await is_password(password, account.password_hash if account else None)
    async with transaction(sessions, SYSTEM) as session:
        if not fits or account is None:
            audit.record(session, None, "sign-in-failed", account, outcome="denied", address=address)
            failure = Invalid({"": "The e-mail address or the password is not right."})
        else:
            await forgive(session, attempt_id)
            role = await first_role(session, account)
            if role is None:
                failure = Invalid({"": "This account has no role at an establishment. Ask your administrator."})
            else:
                actor, token = open_session(
                    session, settings, account, role, methods="pwd", address=address, user_agent=user_agent
                )
                audit.record(session, actor, "signed-in", account, address=address)
                return actor, token
    raise failure


async def set_locale(session: AsyncSession, actor: Actor, *, locale: str) -> None:
    """Keep the language the person chose."""
    await session.execute(update(Account).where(Account.id == actor.account_id).values(locale=locale))
