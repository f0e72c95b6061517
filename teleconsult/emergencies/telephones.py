"""Whom a coordinator telephones while nobody answers: who asks, and the services that could."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import HealthcareService, Organization, Specialty

MOST: Final = 12


async def telephones_of(session: AsyncSession, consult: ServiceRequest) -> Sequence[tuple[Specialty | None, str, str]]:
    """Specialty (none of who asks), establishment, number: of who asks, then of each service of the same specialty.

    The consult is whole. A service's own number comes before its establishment's; who has none is left out.
    """
    asking = consult.requester_organization
    assert consult.service is not None, "an emergency names a service"
    number = func.coalesce(func.nullif(HealthcareService.phone, ""), Organization.phone)
    network = Organization.sharing_network
    found = await session.execute(
        select(HealthcareService.specialty, Organization.name, number)
        .join(Organization, Organization.id == HealthcareService.organization_id)
        .where(
            HealthcareService.specialty == consult.service.specialty,
            HealthcareService.active,
            number != "",
            or_(HealthcareService.id == consult.service_id, network == asking.sharing_network),
        )
        .order_by(HealthcareService.id != consult.service_id, Organization.name)
        .limit(MOST)
    )
    own: list[tuple[Specialty | None, str, str]] = [(None, asking.name, asking.phone)] if asking.phone else []
    return [*own, *((specialty, house, phone) for specialty, house, phone in found)]
