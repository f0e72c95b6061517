"""What is over and of no more use is removed: kept tries, one-time secrets, sessions that ended."""

from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.limits import REMEMBERED
from teleconsult.accounts.models import OneTimeSecret, SignInAttempt, WebSession
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.jobs import app

SECRETS_KEPT: Final = timedelta(days=1)
SESSIONS_KEPT: Final = timedelta(days=90)
"""At most; an establishment's own rule may be shorter. What a person did in a session stands in the audit log."""

log = structlog.get_logger(__name__)


@app.periodic(cron="17 * * * *")
@app.task(name="prune_sign_ins", queueing_lock="prune_sign_ins", pass_context=True)
async def prune_sign_ins(context: JobContext, timestamp: int) -> None:
    """Every hour."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        removed = await prune(session)
    log.info("accounts.pruned", rows=removed, due=timestamp)


async def prune(session: AsyncSession) -> int:
    """Remove tries after 30 days, one-time secrets a day after they ended, sessions 90 days after: how many rows."""
    moment = now()
    old = moment - SESSIONS_KEPT
    removed = 0
    for row, is_old in (
        (SignInAttempt, SignInAttempt.attempted_at < moment - REMEMBERED),
        (OneTimeSecret, OneTimeSecret.expires_at < moment - SECRETS_KEPT),
        (WebSession, or_(WebSession.ended_at < old, WebSession.expires_at < old)),
    ):
        removed += len((await session.scalars(delete(row).where(is_old).returning(row.id))).all())
    return removed
