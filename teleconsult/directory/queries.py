"""What may be asked of whom."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from teleconsult.directory.models import HealthcareService, Organization


async def services_offered(session: AsyncSession) -> Sequence[HealthcareService]:
    """Every active service with its establishment, by establishment and specialty."""
    services = await session.scalars(
        select(HealthcareService)
        .join(HealthcareService.organization)
        .where(HealthcareService.active)
        .order_by(Organization.name, HealthcareService.specialty)
        .options(contains_eager(HealthcareService.organization))
    )
    return services.all()
