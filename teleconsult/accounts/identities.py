"""Which account an OpenID Provider's subject is: by (issuer, subject) alone, never by an e-mail address (Core §5.7)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account, FederatedIdentity
from teleconsult.accounts.professions import profession_of, registration_number_of
from teleconsult.clock import now
from teleconsult.directory.models import Practitioner


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as a provider knows them, proven a moment ago."""

    issuer: str
    subject: str
    profession: dict[str, Any]

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> "Person":
        """Of the claims of an ID token that was checked, and of userinfo."""
        return cls(claims["iss"], claims["sub"], profession_of(claims))


async def account_of(session: AsyncSession, person: Person, *, vouches_for_ids: bool) -> Account | None:
    """The account the person is linked to, if it is enabled; its identity is brought up to date.

    Where the provider proves who holds a national number, a person seen for the first time is linked to the account
    of that number, unless another subject of the same provider is already.
    """
    identity = await session.scalar(
        select(FederatedIdentity)
        .where(FederatedIdentity.issuer == person.issuer, FederatedIdentity.subject == person.subject)
        .with_for_update()
    )
    if identity is None:
        account = await vouched_account(session, person) if vouches_for_ids else None
        if account is not None and await take_subject(session, account.id, person):
            audit.record(session, SYSTEM, "identity-linked", account, by="national-id", issuer=person.issuer)
            return account
        return None
    identity.claims, identity.last_used_at = person.profession, now()
    account = await session.get_one(Account, identity.account_id)
    return None if account.disabled_at else account


async def identities_of(session: AsyncSession, actor: Actor) -> list[FederatedIdentity]:
    """The actor's own, oldest first."""
    found = await session.scalars(
        select(FederatedIdentity)
        .where(FederatedIdentity.account_id == actor.account_id)
        .order_by(FederatedIdentity.linked_at, FederatedIdentity.id)
    )
    return list(found)


async def is_linked_to(session: AsyncSession, actor: Actor, *, person: Person) -> bool:
    """Whether this person is the actor."""
    return bool(
        await session.scalar(
            select(
                exists().where(
                    FederatedIdentity.issuer == person.issuer,
                    FederatedIdentity.subject == person.subject,
                    FederatedIdentity.account_id == actor.account_id,
                )
            )
        )
    )


async def vouched_account(session: AsyncSession, person: Person) -> Account | None:
    """The enabled account of the person's national number, where no other subject of the provider's has it."""
    number = registration_number_of(person.profession)
    if not number:
        return None
    return await session.scalar(
        select(Account)
        .join(Practitioner, Practitioner.id == Account.practitioner_id)
        .where(
            Practitioner.registration_number == number,
            Account.disabled_at.is_(None),
            ~exists().where(
                FederatedIdentity.account_id == Account.id,
                FederatedIdentity.issuer == person.issuer,
                FederatedIdentity.subject != person.subject,
            ),
        )
    )


async def take_subject(session: AsyncSession, account_id: uuid.UUID, person: Person) -> bool:
    """Whether the subject was free; two at once can't both have it."""
    moment = now()
    added = await session.scalar(
        insert(FederatedIdentity)
        .values(
            id=uuid.uuid4(),
            account_id=account_id,
            issuer=person.issuer,
            subject=person.subject,
            claims=person.profession,
            linked_at=moment,
            last_used_at=moment,
        )
        .on_conflict_do_nothing()
        .returning(FederatedIdentity.id)
    )
    return added is not None
