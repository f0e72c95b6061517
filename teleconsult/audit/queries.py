"""Reading the audit log, for those who watch over an establishment."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.directory.models import RoleCode
from teleconsult.errors import NotFound

PAGE = 50


async def audit_events(session: AsyncSession, actor: Actor, *, before: datetime | None = None) -> list[AuditEvent]:
    """The establishment's last 50 events, newest first; `before` goes on from there. Administrators only."""
    if actor.role is not RoleCode.ADMINISTRATOR:
        raise NotFound
    events = select(AuditEvent).where(rows.audit_events(actor))
    if before is not None:
        events = events.where(AuditEvent.recorded_at < before)
    return list(await session.scalars(events.order_by(AuditEvent.recorded_at.desc()).limit(PAGE)))
