"""What the directory's tests look up afterwards."""

import uuid
from typing import Any

from sqlalchemy import select

from teleconsult.accounts import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner


async def audited(sessions: Sessions, action: str) -> list[AuditEvent]:
    """The events of that kind, oldest first."""
    async with transaction(sessions) as session:
        found = select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.recorded_at)
        return list(await session.scalars(found))


async def practitioner_of(sessions: Sessions, actor: Actor) -> Practitioner:
    """The person behind an actor."""
    async with transaction(sessions) as session:
        return await session.get_one(Practitioner, actor.practitioner_id)


async def reload(sessions: Sessions, table: type[Any], id: uuid.UUID | None) -> Any:
    """The row as it is now, or None."""
    async with transaction(sessions) as session:
        return await session.get(table, id)
