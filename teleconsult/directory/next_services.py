"""Which hospitals are rung first where an emergency is answered by nobody here: set by the service, in its order."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import HealthcareService, Organization
from teleconsult.directory.services import service_here
from teleconsult.errors import Invalid

MOST: Final = 3
"""Named ones; after them the others of the network are rung, who can do most first."""


async def services_elsewhere(session: AsyncSession, actor: Actor) -> Sequence[HealthcareService]:
    """The services of the establishments that share with the actor's, by establishment, which is loaded.

    Raises NotFound for who does not administer.
    """
    require(actor, Permission.ROSTER)
    network = select(Organization.sharing_network).where(Organization.id == actor.organization_id).scalar_subquery()
    found = await session.scalars(
        select(HealthcareService)
        .join(HealthcareService.organization)
        .where(
            HealthcareService.active,
            HealthcareService.organization_id != actor.organization_id,
            Organization.sharing_network == network,
        )
        .order_by(Organization.name, HealthcareService.id)
        .options(contains_eager(HealthcareService.organization))
    )
    return found.all()


async def set_next_services(
    session: AsyncSession, actor: Actor, *, service_id: uuid.UUID, then: Sequence[uuid.UUID]
) -> HealthcareService:
    """Say which services are rung next, in this order; none: as it is without a word.

    Raises NotFound, Invalid on `next` for one twice, too many, of another specialty or no partner's.
    """
    require(actor, Permission.ADMINISTRATION)
    service = await service_here(session, actor, service_id, lock=True)
    possible = {one.id for one in await services_elsewhere(session, actor) if one.specialty is service.specialty}
    if not set(then) <= possible:
        raise Invalid({"next": "Choose from the list."})
    if len(set(then)) < len(then) or len(then) > MOST:
        raise Invalid({"next": "Name each hospital once, three at most."})
    service.next_services = list(then)
    audit.record(session, actor, "service-ladder-changed", service, services=len(then))
    await session.flush()
    return service
