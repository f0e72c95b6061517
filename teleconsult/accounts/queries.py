"""Reading accounts, for those who watch over an establishment."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.access import Permission, require
from teleconsult.access.rows import practitioners_of_house, roles_of_house, sessions_of_house
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account, FederatedIdentity, Passkey, RecoveryCode, Totp, WebSession
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.directory.names import folded
from teleconsult.patients.names import fold
from teleconsult.settings import Settings

PAGE: Final = 50


class AccountState(StrEnum):
    """How somebody stands with their account."""

    NONE = "none"
    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works, or worked, at an establishment, as its administrator sees them."""

    practitioner: Practitioner
    roles: Sequence[PractitionerRole]
    """Theirs here, those that ended last."""
    state: AccountState
    email: str
    last_signed_in_at: datetime | None
    """Into a role here."""

    @property
    def is_here(self) -> bool:
        """Whether a role of theirs here stands."""
        return any(role.ended_at is None for role in self.roles)


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account is opened with."""

    password: bool
    application: bool
    passkeys: int
    recovery_codes: int
    federated: bool


@dataclass(frozen=True, slots=True)
class People:
    """One page of them; `next_page` where there are more."""

    people: Sequence[Person]
    next_page: int | None


async def people_of_establishment(session: AsyncSession, actor: Actor, *, text: str = "", page: int = 1) -> People:
    """Who works or worked here, by name, 50 a page: all, or those whom every word of `text` fits.

    Raises NotFound for who administers nothing.
    """
    require(actor, Permission.ADMINISTRATION)
    found = (
        _people(actor)
        .where(*(_fits(word) for word in text.split()[:8]))
        .order_by(Practitioner.family, Practitioner.given, Practitioner.id)
    )
    rows = (await session.execute(found.offset((page - 1) * PAGE).limit(PAGE + 1))).all()
    people = await _with_roles(session, actor, rows[:PAGE])
    return People(people, page + 1 if len(rows) > PAGE else None)


async def person_of_establishment(session: AsyncSession, actor: Actor, practitioner: Practitioner) -> Person:
    """The same of one; `practitioner` was found through the actor (`directory.roles.practitioner_here`)."""
    row = (await session.execute(_people(actor).where(Practitioner.id == practitioner.id))).one()
    return (await _with_roles(session, actor, [row]))[0]


async def factors_of(session: AsyncSession, actor: Actor, practitioner: Practitioner) -> Factors | None:
    """What the account of somebody who was found through the actor is opened with; None without an account."""
    account = await session.scalar(select(Account).where(Account.practitioner_id == practitioner.id))
    if account is None:
        return None

    async def count(table: type[Totp | Passkey | RecoveryCode | FederatedIdentity], *more: ColumnElement[bool]) -> int:
        found = select(func.count()).select_from(table).where(table.account_id == account.id, *more)
        return await session.scalar(found) or 0

    await act_as(session, SYSTEM)  # as many as there are, and no more of them
    factors = Factors(
        password=account.password_hash is not None,
        application=await count(Totp, Totp.confirmed_at.is_not(None)) > 0,
        passkeys=await count(Passkey, Passkey.revoked_at.is_(None)),
        recovery_codes=await count(RecoveryCode, RecoveryCode.used_at.is_(None)),
        federated=await count(FederatedIdentity) > 0,
    )
    await act_as(session, actor)
    return factors


async def sessions_of_establishment(session: AsyncSession, actor: Actor, settings: Settings) -> Sequence[WebSession]:
    """Who is signed in here now, the last seen first; role and practitioner loaded. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(WebSession)
        .where(sessions_of_house(actor), *_open(settings))
        .order_by(WebSession.last_seen_at.desc())
        .limit(500)
        .options(joinedload(WebSession.role).joinedload(PractitionerRole.practitioner))
    )
    return found.all()


async def count_sessions(session: AsyncSession, settings: Settings) -> int:
    """How many browsers are signed in, everywhere."""
    return await session.scalar(select(func.count()).select_from(WebSession).where(*_open(settings))) or 0


def _open(settings: Settings) -> tuple[ColumnElement[bool], ...]:
    moment = now()
    return (
        WebSession.ended_at.is_(None),
        WebSession.expires_at > moment,
        WebSession.last_seen_at > moment - timedelta(minutes=settings.session_idle_minutes),
    )


def _people(actor: Actor) -> Select[Practitioner, Account | None, datetime | None]:
    last = (
        select(func.max(WebSession.created_at))
        .where(WebSession.account_id == Account.id, sessions_of_house(actor))
        .scalar_subquery()
    )
    return (
        select(Practitioner, Account, last)
        .outerjoin(Account, Account.practitioner_id == Practitioner.id)
        .where(practitioners_of_house(actor))
    )


def _fits(word: str) -> ColumnElement[bool]:
    """The word begins one of the person's names, or their address or number."""
    plain = fold(word) or word.lower()
    names = folded(Practitioner.family).concat(" ").concat(folded(Practitioner.given))
    return or_(
        func.concat(" ", names).contains(f" {plain}", autoescape=True),
        func.lower(Account.email).startswith(word.lower(), autoescape=True),
        Practitioner.registration_number.startswith(word.upper(), autoescape=True),
    )


async def _with_roles(
    session: AsyncSession, actor: Actor, rows: Sequence[Row[Practitioner, Account | None, datetime | None]]
) -> list[Person]:
    taken_up = await _taken_up(session, actor, [account for _practitioner, account, _last in rows if account])
    roles: dict[uuid.UUID, list[PractitionerRole]] = defaultdict(list)
    for role in await session.scalars(
        select(PractitionerRole)
        .where(
            roles_of_house(actor),
            PractitionerRole.practitioner_id.in_([practitioner.id for practitioner, *_rest in rows]),
        )
        .order_by(PractitionerRole.ended_at.desc().nulls_first(), PractitionerRole.started_at)
    ):
        roles[role.practitioner_id].append(role)
    return [
        Person(
            practitioner,
            roles[practitioner.id],
            _state(account, taken_up),
            account.email if account else "",
            last,
        )
        for practitioner, account, last in rows
    ]


async def _taken_up(session: AsyncSession, actor: Actor, accounts: Sequence[Account]) -> set[uuid.UUID]:
    """Those whose owner has set up a way in."""
    ids = [account.id for account in accounts]
    await act_as(session, SYSTEM)  # what somebody signs in with is theirs alone to see: here, only whether there is any
    found = await session.scalars(
        union(
            select(Passkey.account_id).where(Passkey.account_id.in_(ids), Passkey.revoked_at.is_(None)),
            select(FederatedIdentity.account_id).where(FederatedIdentity.account_id.in_(ids)),
        )
    )
    others = set(found)
    await act_as(session, actor)
    return others | {account.id for account in accounts if account.password_hash is not None}


def _state(account: Account | None, taken_up: set[uuid.UUID]) -> AccountState:
    if account is None:
        return AccountState.NONE
    if account.disabled_at is not None:
        return AccountState.DISABLED
    return AccountState.ACTIVE if account.id in taken_up else AccountState.INVITED
