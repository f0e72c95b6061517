"""Linking a sign-in at an OpenID Provider to one's own account, and taking it away again."""

import uuid

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.identities import Person, take_subject, vouched_account
from teleconsult.accounts.models import Account, FederatedIdentity, Passkey
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.errors import Invalid, NotFound, Refused


async def link_identity(session: AsyncSession, actor: Actor, *, person: Person, vouches_for_ids: bool) -> None:
    """Let the person's next sign-in at the provider open the actor's account. Once or again is the same.

    Raises Invalid where they are linked to another account, or are by their national number somebody else here.
    """
    account = await session.get_one(Account, actor.account_id)
    other = await vouched_account(session, person) if vouches_for_ids else None
    if other is not None and other.id != account.id:
        raise Invalid({"": "This sign-in belongs to somebody else here. Ask your administrator."})
    if await take_subject(session, account.id, person):
        audit.record(session, actor, "identity-linked", account, by="themselves", issuer=person.issuer)
        return
    linked_to = await session.scalar(
        select(FederatedIdentity.account_id).where(
            FederatedIdentity.issuer == person.issuer, FederatedIdentity.subject == person.subject
        )
    )
    if linked_to != account.id:
        raise Invalid({"": "This sign-in is linked to another account here. Ask your administrator."})


async def unlink_identity(session: AsyncSession, actor: Actor, *, identity_id: uuid.UUID) -> None:
    """Take the way in away again. Raises NotFound for what is not one's own, StepUpNeeded, and Refused where it is
    the only way in.
    """
    identity = await session.get(FederatedIdentity, identity_id, with_for_update=True)
    if identity is None or identity.account_id != actor.account_id or actor.account_id is None:
        raise NotFound
    require_fresh(actor)
    account = await session.get_one(Account, actor.account_id, with_for_update=True)
    if not await _has_another_way_in(session, account, identity_id):
        raise Refused("This is your only way to sign in. Choose a password or add a passkey first.")
    await session.delete(identity)
    audit.record(session, actor, "identity-unlinked", account, issuer=identity.issuer)


async def _has_another_way_in(session: AsyncSession, account: Account, but: uuid.UUID) -> bool:
    if account.password_hash is not None:
        return True
    return bool(
        await session.scalar(
            select(
                exists().where(Passkey.account_id == account.id, Passkey.revoked_at.is_(None))
                | exists().where(FederatedIdentity.account_id == account.id, FederatedIdentity.id != but)
            )
        )
    )
