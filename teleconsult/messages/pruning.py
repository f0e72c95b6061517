"""Old news goes: what was told is in the consult's own history and in the log."""

from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.jobs import app
from teleconsult.messages.models import Notice

KEPT: Final = timedelta(days=60)

log = structlog.get_logger(__name__)


@app.periodic(cron="23 4 * * *")
@app.task(name="prune_notices", queueing_lock="prune_notices", pass_context=True)
async def prune_notices(context: JobContext, timestamp: int) -> None:
    """Every night."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        removed = await prune(session)
    log.info("notices.pruned", rows=removed, due=timestamp)


async def prune(session: AsyncSession) -> int:
    """Remove what happened more than sixty days ago, read or not: how many rows."""
    old = delete(Notice).where(Notice.happened_at < now() - KEPT).returning(Notice.id)
    return len((await session.scalars(old)).all())
