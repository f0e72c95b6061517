"""The outbox at work: files that are here at once, everything outside by a round of its own."""

import uuid
from datetime import timedelta
from typing import Any, Final

from procrastinate import JobContext, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.actions import deliver_note
from teleconsult.delivery.filing import file_owed
from teleconsult.delivery.outbox import Outbox
from teleconsult.delivery.parcel import Means
from teleconsult.jobs import app, defer, defer_once
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings

RETRY: Final = RetryStrategy(max_attempts=12, exponential_wait=3)
"""Again after 3, 9, 27 seconds …, for the last time a week later."""
ROUND: Final = "send_owed"
"""The lock of rounds: one waits at the most, and one goes at a time."""


async def begin_deliveries(session: AsyncSession, *, note_id: uuid.UUID) -> None:
    """Have what is owed of this note carried out once this commits."""
    await defer(session, deliver_owed, note_id=str(note_id))


async def begin_round(session: AsyncSession, *, after: timedelta | None = None) -> None:
    """Have everything sent that is due, unless a round waits already."""
    await defer_once(session, send_owed, lock=ROUND, after=after)


@app.task(name="deliver_owed", pass_context=True, retry=RETRY)
async def deliver_owed(context: JobContext, note_id: str) -> None:
    """Write a note into the files that are here, and have the rest sent."""
    sessions: Sessions = context.additional_context["sessions"]
    await file_owed(sessions, note_id=uuid.UUID(note_id))
    async with transaction(sessions, SYSTEM) as session:
        await begin_round(session)


@app.task(name="send_owed", pass_context=True, queueing_lock=ROUND, lock=ROUND, retry=RETRY)
async def send_owed(context: JobContext) -> None:
    """Send what is due; the next round begins when the next one of them is."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    outbox = Outbox(sessions, _objects(context), Means(settings, Sealer(settings.secret_key)))
    after = await outbox.run()
    if after is not None:
        async with transaction(sessions, SYSTEM) as session:
            await begin_round(session, after=after)


@app.periodic(cron="* * * * *")
@app.task(name="look_after_owed", queueing_lock="look_after_owed", pass_context=True)
async def look_after_owed(context: JobContext, timestamp: int) -> None:
    """Every minute: what no job speaks of any more, after a crash or a restored backup, is taken up again."""
    sessions: Sessions = context.additional_context["sessions"]
    await file_owed(sessions)
    async with transaction(sessions, SYSTEM) as session:
        await begin_round(session)


@app.task(name="deliver_note", pass_context=True, retry=RETRY)
async def deliver(context: JobContext, delivery_id: str, pdf_size: int) -> None:
    """Into one file, as an earlier release put it into the queue."""
    del pdf_size  # of its first revision
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        await deliver_note(session, SYSTEM, delivery_id=uuid.UUID(delivery_id))


def _objects(context: JobContext) -> Objects:
    settings: Any = context.additional_context["settings"]
    return Objects(open_store(settings.objects_url, settings.data))
