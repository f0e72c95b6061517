"""Work that must happen after an act commits: rows of procrastinate in the same PostgreSQL.

A job is deferred inside the act's own transaction: after a rollback it never existed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

import procrastinate
import structlog
from procrastinate import tasks
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.types import TimeDeltaParams
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.db import WAITS, driver_connection

MODULES = (
    "teleconsult.delivery.jobs",
    "teleconsult.delivery.mail_receipts",
    "teleconsult.messages.delivering",
    "teleconsult.messages.jobs",
    "teleconsult.messages.pruning",
    "teleconsult.messages.asking_after",
    "teleconsult.messages.numbers",
    "teleconsult.messages.reminding",
    "teleconsult.messages.sending",
    "teleconsult.messages.telling",
    "teleconsult.patients.notices",
    "teleconsult.accounts.pruning",
    "teleconsult.audit.jobs",
    "teleconsult.directory.jobs",
    "teleconsult.directory.mailboxes.jobs",
    "teleconsult.emergencies.jobs",
    "teleconsult.emergencies.paging",
    "teleconsult.encounters.jobs",
    "teleconsult.encounters.summaries",
    "teleconsult.imaging.commitment.jobs",
    "teleconsult.imaging.commitment.pruning",
    "teleconsult.imaging.jobs",
    "teleconsult.imaging.pacs.jobs",
    "teleconsult.meetings.jobs",
    "teleconsult.meetings.mails",
    "teleconsult.notes.evidence_jobs",
    "teleconsult.notes.jobs",
    "teleconsult.notes.revoking",
    "teleconsult.notes.unsigned",
    "teleconsult.received.answering",
    "teleconsult.received.jobs",
    "teleconsult.scheduling.calendar_mails",
    "teleconsult.scheduling.jobs",
    "teleconsult.stored.jobs",
)
"""Where tasks are declared; the worker imports them all."""

IS_WAITING: Final = text(
    "select exists (select from procrastinate_jobs where queueing_lock = :lock and status = 'todo')"
)
log = structlog.get_logger(__name__)
app = procrastinate.App(connector=procrastinate.PsycopgConnector(), import_paths=list(MODULES))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[procrastinate.App]:
    """The job queue on the database at `url`, open inside the block; its waits end as all others' do (`db.WAITS`)."""
    limits = {"connect_timeout": 5, "options": WAITS}
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=0, max_size=4, timeout=10, kwargs=limits)
    with app.replace_connector(connector) as connected_app:
        async with connected_app.open_async():
            yield connected_app


@app.periodic(cron="* * * * *")
@app.task(name="take_up_abandoned", queueing_lock="take_up_abandoned", pass_context=True)
async def take_up_abandoned(context: procrastinate.JobContext, timestamp: int) -> None:
    """Every minute: put jobs back whose worker died over them half a minute ago or more; else they wait for ever.

    So a job may run twice, and each of ours does its work once.
    """
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        log.warning("jobs.abandoned", task=job.task_name, job=job.id, due=timestamp)
        await manager.retry_job(job)


async def defer(session: AsyncSession, task: tasks.Task[Any, Any, Any], **arguments: Any) -> None:
    """Put a job into the transaction of `session`. Arguments are JSON values: ids, never clinical content."""
    await task.configure(connection=await driver_connection(session)).defer_async(**arguments)


async def defer_once(
    session: AsyncSession,
    task: tasks.Task[Any, Any, Any],
    *,
    lock: str,
    after: timedelta | None = None,
    **arguments: Any,
) -> None:
    """The same, unless a job that was put there under this lock still waits. Takes its turn with who else does so.

    `after`: not before so long from now.
    """
    if await session.scalar(IS_WAITING, {"lock": lock}):
        return
    with suppress(AlreadyEnqueued):
        async with session.begin_nested():
            connection = await driver_connection(session)  # within: only now is there a point to go back to
            delay = TimeDeltaParams(seconds=max(1, round(after.total_seconds()))) if after else None
            await task.configure(connection=connection, queueing_lock=lock, schedule_in=delay).defer_async(**arguments)
