"""The establishments of the network, for who operates it: added, named, put into the network that shares one file."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import available_timezones

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import TokenKey
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.directory.models import Organization, OrganizationKind, PractitionerRole, RoleCode
from teleconsult.directory.telephones import WRONG_NUMBER, is_telephone
from teleconsult.errors import Invalid, NotFound
from teleconsult.events import tell

LONGEST_NAME: Final = 120
LOCALES: Final = ("fr", "en", "vi")
NETWORK: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Establishment:
    """An establishment, how many people work there, and whether anybody administers it."""

    organization: Organization
    people: int
    administrators: int


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is said of an establishment, as typed."""

    name: str
    kind: OrganizationKind
    time_zone: str
    locale: str
    sharing_network: str
    phone: str = ""


async def establishments(session: AsyncSession, actor: Actor) -> Sequence[Establishment]:
    """Every establishment, by name, with numbers. Raises NotFound for who operates nothing."""
    require(actor, Permission.NETWORK)
    people = (
        select(
            PractitionerRole.organization_id,
            func.count(PractitionerRole.practitioner_id.distinct()).label("people"),
            func.count().filter(PractitionerRole.code == RoleCode.ADMINISTRATOR).label("administrators"),
        )
        .where(PractitionerRole.ended_at.is_(None))
        .group_by(PractitionerRole.organization_id)
        .subquery()
    )
    rows = await session.execute(
        select(Organization, people.c.people, people.c.administrators)
        .outerjoin(people, people.c.organization_id == Organization.id)
        .order_by(Organization.name, Organization.id)
    )
    return [
        Establishment(organization, count or 0, administrators or 0) for organization, count, administrators in rows
    ]


async def establishment(session: AsyncSession, actor: Actor, organization_id: uuid.UUID) -> Organization:
    """One of them. Raises NotFound."""
    require(actor, Permission.NETWORK)
    organization = await session.get(Organization, organization_id)
    if organization is None:
        raise NotFound
    return organization


async def add_establishment(session: AsyncSession, actor: Actor, *, particulars: Particulars) -> Organization:
    """A new establishment, without people yet. Raises StepUpNeeded, NotFound, Invalid."""
    require(actor, Permission.NETWORK)
    require_fresh(actor)
    organization = Organization(id=uuid.uuid4())
    await _write(session, organization, particulars)
    session.add(organization)
    audit.record(session, actor, "establishment-added", organization, network=organization.sharing_network)
    await session.flush()
    return organization


async def change_establishment(
    session: AsyncSession, actor: Actor, *, organization_id: uuid.UUID, particulars: Particulars
) -> Organization:
    """Say otherwise of one. Which network it shares its file with takes effect at once, for everybody there.

    Raises StepUpNeeded, NotFound, Invalid.
    """
    organization = await establishment(session, actor, organization_id)
    require_fresh(actor)
    before = organization.sharing_network
    await _write(session, organization, particulars)
    audit.record(
        session,
        actor,
        "establishment-changed",
        organization,
        network_before=before,
        network=organization.sharing_network,
    )
    if before != organization.sharing_network:
        roles = select(PractitionerRole.id).where(
            PractitionerRole.organization_id == organization.id, PractitionerRole.ended_at.is_(None)
        )
        for role_id in await session.scalars(roles):
            await tell(session, "AccessChanged", role=role_id)
    await session.flush()
    return organization


async def networks(session: AsyncSession, actor: Actor) -> Sequence[str]:
    """The names of the networks there are. Raises NotFound."""
    require(actor, Permission.NETWORK)
    names = select(Organization.sharing_network).where(Organization.sharing_network.is_not(None)).distinct()
    return sorted(name for name in await session.scalars(names) if name)


async def token_keys(session: AsyncSession, actor: Actor) -> Sequence[TokenKey]:
    """The keys that sign tokens, newest first, twenty at most. Raises NotFound."""
    require(actor, Permission.NETWORK)
    return (await session.scalars(select(TokenKey).order_by(TokenKey.created_at.desc()).limit(20))).all()


async def _write(session: AsyncSession, organization: Organization, particulars: Particulars) -> None:
    name = " ".join(particulars.name.split())
    turn = func.hashtextextended("names of establishments", 0)  # who adds two at once is told of the first
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    wrong = {}
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        wrong["name"] = "Give the establishment’s name."
    elif await session.scalar(
        select(Organization.id).where(func.lower(Organization.name) == name.lower(), Organization.id != organization.id)
    ):
        wrong["name"] = "Another establishment has this name."
    if particulars.time_zone not in available_timezones():
        wrong["time_zone"] = "Choose a time zone from the list, such as Europe/Paris."
    if particulars.locale not in LOCALES:
        wrong["locale"] = "Choose from the list."
    if particulars.sharing_network and not NETWORK.fullmatch(particulars.sharing_network):
        wrong["sharing_network"] = "Use small letters, digits and hyphens, or leave it empty."
    phone = " ".join(particulars.phone.split())
    if phone and not is_telephone(phone):
        wrong["phone"] = WRONG_NUMBER
    if wrong:
        raise Invalid(wrong)
    organization.phone = phone
    organization.name, organization.kind = name, particulars.kind
    organization.time_zone, organization.locale = particulars.time_zone, particulars.locale
    organization.sharing_network = particulars.sharing_network or None
