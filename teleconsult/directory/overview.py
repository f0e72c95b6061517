"""How an establishment stands, in numbers: what its administrator looks at first."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from teleconsult.access import Permission, require
from teleconsult.access.rows import endpoints_of_house, roles_of_house, rules_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account
from teleconsult.accounts.queries import sessions_of_establishment
from teleconsult.clock import now
from teleconsult.directory.models import (
    Decision,
    DirectoryDifference,
    Endpoint,
    EndpointStatus,
    HealthcareService,
    PractitionerRole,
    RetentionRule,
)
from teleconsult.directory.reviewing import imports_here
from teleconsult.directory.roster import on_duty
from teleconsult.directory.services import services_here
from teleconsult.settings import Settings


@dataclass(frozen=True, slots=True)
class Overview:
    """Numbers of one establishment now."""

    people: int
    """With a role that stands."""
    disabled: int
    signed_in: int
    services: Sequence[tuple[HealthcareService, Sequence[PractitionerRole]]]
    """Those that take requests, and who is on duty for each."""
    services_off: int
    differences: int
    """Of the newest extract, waiting for a decision."""
    rules: int
    endpoints: int
    endpoints_suspended: int


async def establishment_overview(session: AsyncSession, actor: Actor, settings: Settings) -> Overview:
    """The establishment of the actor in numbers. Raises NotFound for who administers nothing."""
    require(actor, Permission.ADMINISTRATION)
    services = await services_here(session, actor)
    active = [service for service in services if service.active]
    here = select(PractitionerRole.practitioner_id).where(roles_of_house(actor), PractitionerRole.ended_at.is_(None))
    imports = await imports_here(session, actor)
    return Overview(
        people=await session.scalar(select(func.count()).select_from(here.distinct().subquery())) or 0,
        disabled=await _count(session, Account, Account.practitioner_id.in_(here), Account.disabled_at.is_not(None)),
        signed_in=len(await sessions_of_establishment(session, actor, settings)),
        services=[(service, await on_duty(session, service.id, now())) for service in active],
        services_off=len(services) - len(active),
        differences=await _count(
            session,
            DirectoryDifference,
            DirectoryDifference.import_id == imports[0].id,
            DirectoryDifference.decision == Decision.PENDING,
        )
        if imports
        else 0,
        rules=await _count(session, RetentionRule, rules_of_house(actor)),
        endpoints=await _count(session, Endpoint, endpoints_of_house(actor), Endpoint.status == EndpointStatus.ACTIVE),
        endpoints_suspended=await _count(
            session, Endpoint, endpoints_of_house(actor), Endpoint.status == EndpointStatus.SUSPENDED
        ),
    )


async def _count(session: AsyncSession, table: type[DeclarativeBase], *which: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count()).select_from(table).where(*which)) or 0
