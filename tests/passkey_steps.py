"""How a test comes to a passkey: signed in a moment ago, the options asked for, the answer kept."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts import Actor
from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.entering import SignedIn, Visit
from teleconsult.accounts.models import Account, Passkey
from teleconsult.accounts.passkeys import add_passkey, registration_options
from teleconsult.accounts.sessions import first_role, open_session
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.authenticator import SoftKey
from tests.people import Cast

VISIT = Visit(address="192.0.2.1", user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0")


async def fresh(sessions: Sessions, settings: Settings, actor: Actor) -> Actor:
    """The same person, signed in just now."""
    return (await signed_in(sessions, settings, actor)).actor


async def signed_in(sessions: Sessions, settings: Settings, actor: Actor) -> SignedIn:
    """The same, with the token of the cookie."""
    async with transaction(sessions, SYSTEM) as session:
        account = await session.get_one(Account, actor.account_id)
        role = await first_role(session, account)
        assert role is not None
        opened, token = open_session(
            session, settings, account, role, methods="pwd", address=VISIT.address, user_agent=VISIT.user_agent
        )
    return SignedIn(opened, token, account.email)


async def added(
    session: AsyncSession, settings: Settings, actor: Actor, key: SoftKey, *, name: str = "Telephone"
) -> Passkey:
    """`key` is one of the actor's passkeys now."""
    present = replace(actor, factor_at=now())
    options = await registration_options(session, settings, present)
    return await add_passkey(session, settings, present, answer=key.make(options), name=name)


async def with_key(sessions: Sessions, settings: Settings, cast: Cast, name: str = "rural") -> SoftKey:
    """The passkey of somebody of the cast."""
    key = SoftKey()
    async with transaction(sessions, SYSTEM) as session:
        await added(session, settings, getattr(cast, name), key)
    return key
