"""Ending what an excerpt shows."""

import uuid

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.excerpts.models import Excerpt


async def revoke_excerpt(session: AsyncSession, *, consult_id: uuid.UUID) -> None:
    """Share no version of the consult's excerpt any longer. Part of the act that says why, which audits it."""
    await session.execute(
        update(Excerpt)
        .where(Excerpt.service_request_id == consult_id, Excerpt.revoked_at.is_(None))
        .values(revoked_at=now())
    )
