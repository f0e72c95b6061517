"""Requests for storage commitment that are over are removed after a while; what was said stands in the audit log."""

from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import delete, func, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.commitment.models import StorageCommitment
from teleconsult.jobs import app
from teleconsult.settings import Settings

AT_ONCE: Final = 500
"""Rows of one transaction; each may list ten thousand instances."""

log = structlog.get_logger(__name__)


@app.periodic(cron="40 3 * * *")
@app.task(name="prune_commitments", queueing_lock="prune_commitments", pass_context=True)
async def prune_commitments(context: JobContext, timestamp: int) -> None:
    """Every night."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    removed = await prune(sessions, days=settings.commitment_days)
    log.info("commitments.pruned", rows=removed, due=timestamp)


async def prune(sessions: Sessions, *, days: int) -> int:
    """Remove those that were reported on, or given up, so many days ago: how many. What is still to be told stays."""
    over_at = func.coalesce(StorageCommitment.reported_at, StorageCommitment.ended_at)
    old = select(StorageCommitment.id).where(over_at < now() - timedelta(days=days)).order_by(over_at).limit(AT_ONCE)
    removed = 0
    while True:
        async with transaction(sessions, SYSTEM) as session:
            some = await session.scalars(
                delete(StorageCommitment).where(StorageCommitment.id.in_(old)).returning(StorageCommitment.id)
            )
            count = len(some.all())
        removed += count
        if count < AT_ONCE:
            return removed
