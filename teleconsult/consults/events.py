"""What is told after a change to a consult: ids only, for those whose lists show it."""

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ServiceRequest
from teleconsult.events import tell


async def tell_consult(session: AsyncSession, name: str, consult: ServiceRequest) -> None:
    """Tell of one, by its `name`: `ConsultSubmitted`, `…Received`, `…TimeProposed`, `…Accepted`, and so on.

    With the ids of both establishments, the service, the requester's role and the specialist's who accepted.
    """
    await tell(
        session,
        name,
        consult=consult.id,
        organization=consult.requester_organization_id,
        requester=consult.requester_role_id,
        service=consult.service_id,
        service_organization=consult.service.organization_id if consult.service else None,
        specialist=consult.task.owner_role_id if consult.task else None,
    )
