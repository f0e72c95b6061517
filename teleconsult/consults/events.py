"""What is told after a change to a consult: to open pages ids only, to the people of both sides a few words."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.models import ServiceRequest
from teleconsult.db import ACTING
from teleconsult.events import tell
from teleconsult.messages.telling import owe_news


async def tell_consult(
    session: AsyncSession, name: str, consult: ServiceRequest, *, by: uuid.UUID | None = None
) -> None:
    """Tell of one, by its `name`: `ConsultSubmitted`, `…Received`, `…TimeProposed`, `…Accepted`, and so on.

    Open pages hear of it with the ids of both establishments, the service, the requester's role and the specialist's
    who accepted, or who is thought of. Both sides are told as `messages.occasions` says for that name, but for who
    acted: the role `by`, else the one this transaction was opened for.
    """
    task = consult.task
    specialist_role_id = (task.owner_role_id or task.assigned_role_id) if task else None
    await tell(
        session,
        name,
        consult=consult.id,
        organization=consult.requester_organization_id,
        requester=consult.requester_role_id,
        service=consult.service_id,
        service_organization=consult.service.organization_id if consult.service else None,
        specialist=specialist_role_id,
    )
    await owe_news(
        session,
        name,
        consult_id=consult.id,
        specialist_role_id=specialist_role_id,
        by=by or _acting_role(session),
    )


def _acting_role(session: AsyncSession) -> uuid.UUID | None:
    """The role in force, as the database was told; None for the system, a guest or another program."""
    try:
        return uuid.UUID(session.info.get(ACTING, ""))
    except ValueError:
        return None
