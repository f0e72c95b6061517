"""Choosing a password: long enough, not one that would be tried first, and nothing else (NIST SP 800-63B-4 §3.1.1)."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts import one_time
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.blocklist import FEWEST_TRIES, is_expected
from teleconsult.accounts.ending import end_sessions, end_tokens
from teleconsult.accounts.limits import Door, attempt, forgive, start_over
from teleconsult.accounts.models import Account, IssuedToken, WebSession
from teleconsult.accounts.passwords import LONGEST, hash_apart, is_password, normalised
from teleconsult.accounts.personal_keys import Wrapped, keep_wrapped, wrapped_anew
from teleconsult.accounts.second_factor import has_second_factor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Organization, Practitioner, PractitionerRole
from teleconsult.documents.letters import LetterKind
from teleconsult.errors import Invalid
from teleconsult.messages.jobs import notify
from teleconsult.settings import Settings

SHORTEST_ALONE: Final = 15
SHORTEST_WITH_FACTOR: Final = 8


@dataclass(frozen=True, slots=True)
class Demand:
    """What an account's new password must be: at least so long, and none of its owner's own words."""

    shortest: int
    words: tuple[str, ...]


async def demand_of(session: AsyncSession, account: Account) -> Demand:
    """What is asked of this account's password: 15 characters, 8 where a second factor is asked for too."""
    practitioner = await session.get_one(Practitioner, account.practitioner_id)
    places = await session.scalars(
        select(Organization.name)
        .join(PractitionerRole, PractitionerRole.organization_id == Organization.id)
        .where(PractitionerRole.practitioner_id == practitioner.id, PractitionerRole.ended_at.is_(None))
    )
    words = (account.email, practitioner.given, practitioner.family, practitioner.registration_number, *places)
    is_alone = not await has_second_factor(session, account.id)
    return Demand(SHORTEST_ALONE if is_alone else SHORTEST_WITH_FACTOR, words)


async def hash_of_choice(demand: Demand, *, new: str) -> str:
    """The hash of a new password that meets the demand. Raises Invalid on field `new`."""
    if len(new) > LONGEST:
        raise Invalid({"new": "Use at most %(most)s characters."}, most=LONGEST)
    if len(normalised(new)) < demand.shortest:
        raise Invalid(
            {"new": "Use at least %(least)s characters. A few words in a row are easy to remember."},
            least=demand.shortest,
        )
    if await asyncio.to_thread(
        is_expected, new, words=demand.words, fewest_tries=min(FEWEST_TRIES, demand.shortest - 1)
    ):
        raise Invalid({"new": "This password would be among the first to be tried. Choose another one."})
    return await hash_apart(new)


async def keep_choice(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    account: Account,
    *,
    password_hash: str,
    personal_key: Wrapped | None = None,
    but: uuid.UUID | None = None,
) -> None:
    """The account's password from now on. Its sessions end (`but` that one) and its tokens, its unused codes and links
    are void, wrong tries are forgotten, and its owner is told by mail. Without the old password its `personal_key` is
    lost.
    """
    is_first = account.password_hash is None
    account.password_hash = password_hash
    await keep_wrapped(session, account.id, personal_key)
    await one_time.spend_all(session, account.id)
    await end_sessions(session, WebSession.account_id == account.id, WebSession.id.is_distinct_from(but))
    revoked = await end_tokens(session, IssuedToken.account_id == account.id)
    await start_over(session, settings, email=account.email)
    audit.record(session, actor, "password-chosen" if is_first else "password-changed", account, tokens_revoked=revoked)
    if not is_first:
        await notify(session, account.id, LetterKind.PASSWORD_CHANGED)


async def change_password(
    sessions: Sessions, settings: Settings, actor: Actor, *, current: str, new: str, address: str
) -> None:
    """Another password for the actor's own account; every other session of it ends.

    Raises Invalid on field `current` for a wrong one and on `new` for one that cannot be taken, and TooMany.
    """
    async with transaction(sessions, SYSTEM) as session:
        account = await session.get_one(Account, actor.account_id)
        known = actor.session_id.bytes if actor.session_id else None
        attempt_id = await attempt(
            session, settings, door=Door.STEP_UP, email=account.email, address=address, known=known
        )
        demand = await demand_of(session, account)
        checked = account.password_hash
    if not await is_password(current, checked):
        await audit.record_denied(sessions, actor, "step-up-failed", address=address)
        raise _not_yours()
    password_hash = await hash_of_choice(demand, new=new)
    wrapped = await wrapped_anew(sessions, settings, account_id=account.id, current=current, new=new)
    async with transaction(sessions, SYSTEM) as session:
        account = await session.get_one(Account, actor.account_id, with_for_update=True)
        if account.password_hash != checked:  # its owner chose another one while we looked
            raise _not_yours()
        await forgive(session, attempt_id)
        await keep_choice(
            session,
            settings,
            actor,
            account,
            password_hash=password_hash,
            personal_key=wrapped,
            but=actor.session_id,
        )


def _not_yours() -> Invalid:
    return Invalid({"current": "This is not your password."})
