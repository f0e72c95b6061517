"""What an establishment offers to others: services added, switched on and off."""

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import roles_of_house, services_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import HealthcareService, PractitionerRole, RoleCode, Specialty
from teleconsult.errors import Conflict, Invalid, NotFound


async def services_here(session: AsyncSession, actor: Actor) -> Sequence[HealthcareService]:
    """The establishment's services, on or off, for who keeps its roster or administers it. Raises NotFound."""
    require(actor, Permission.ROSTER)
    services = await session.scalars(
        select(HealthcareService)
        .where(services_of_house(actor))
        .order_by(HealthcareService.active.desc(), HealthcareService.specialty)
    )
    return services.all()


async def specialists_here(session: AsyncSession, actor: Actor) -> dict[Specialty, int]:
    """How many specialists of each specialty work here. Raises NotFound."""
    require(actor, Permission.ROSTER)
    rows = await session.execute(
        select(PractitionerRole.specialty, func.count())
        .where(
            roles_of_house(actor),
            PractitionerRole.code == RoleCode.SPECIALIST,
            PractitionerRole.ended_at.is_(None),
            PractitionerRole.specialty.is_not(None),
        )
        .group_by(PractitionerRole.specialty)
    )
    return {specialty: count for specialty, count in rows if specialty is not None}


async def service_here(
    session: AsyncSession, actor: Actor, service_id: uuid.UUID, *, lock: bool = False
) -> HealthcareService:
    """One of the establishment's own services; to be changed, with `lock`. Raises NotFound, also for another's."""
    require(actor, Permission.ROSTER)
    found = select(HealthcareService).where(HealthcareService.id == service_id, services_of_house(actor))
    service = await session.scalar(found.with_for_update() if lock else found)
    if service is None:
        raise NotFound
    return service


async def add_service(session: AsyncSession, actor: Actor, *, specialty: Specialty) -> HealthcareService:
    """Offer a specialty to others, from now on. Raises NotFound, Conflict where it is on the list already."""
    require(actor, Permission.ADMINISTRATION)
    assert actor.organization_id is not None, "the permission is an establishment's"
    known = await session.scalar(
        select(HealthcareService.id).where(services_of_house(actor), HealthcareService.specialty == specialty)
    )
    if known is not None:
        raise Conflict("This service is on the list already.")
    service = HealthcareService(id=uuid.uuid4(), organization_id=actor.organization_id, specialty=specialty)
    session.add(service)
    audit.record(session, actor, "service-added", service, specialty=specialty.value)
    await session.flush()
    return service


async def set_page_seconds(
    session: AsyncSession, actor: Actor, *, service_id: uuid.UUID, seconds: str
) -> HealthcareService:
    """How long, in an emergency, one of those on duty is waited for before the next is rung too.

    Raises NotFound, Invalid outside 10 to 300 seconds.
    """
    require(actor, Permission.ADMINISTRATION)
    service = await service_here(session, actor, service_id, lock=True)
    typed = seconds.strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 3 and 10 <= int(typed) <= 300):
        raise Invalid({"page_seconds": "Give 10 to 300 seconds."})
    service.page_seconds = int(typed)
    audit.record(session, actor, "service-paging-changed", service, seconds=service.page_seconds)
    await session.flush()
    return service


async def switch_service(
    session: AsyncSession, actor: Actor, *, service_id: uuid.UUID, is_active: bool
) -> HealthcareService:
    """Take requests from now on, or no more; what was asked already goes on. Twice is once. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    service = await service_here(session, actor, service_id, lock=True)
    if service.active is not is_active:
        service.active = is_active
        audit.record(session, actor, "service-opened" if is_active else "service-closed", service)
        await session.flush()
    return service
