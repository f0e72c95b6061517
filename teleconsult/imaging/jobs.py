"""Images are made ready for thin links by the worker, once what brought them is committed.

There is one turn at a time, of the newest images; while there are more, it is followed by another. So a thousand images
ask for one job, and these never take the places of all others.
"""

import asyncio
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.filming import BEHIND, NICENESS, SECONDS
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.preparing import WORKERS, Preparer
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.jobs import app, defer_once
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings

TURN: Final = 20
"""Seconds, after which others may come first."""
PATIENCE: Final = 10.0
"""Seconds of a turn in which images that still arrive go first: who sends waits for an answer, nobody for these."""
QUIET: Final = timedelta(seconds=1)
"""So long nothing came, once nothing arrives any more."""
MOST_COUNTED: Final = 10_000

log = structlog.get_logger(__name__)


async def prepare_soon(session: AsyncSession, organization_id: uuid.UUID) -> None:
    """Have what came to an establishment made ready, after the commit."""
    await defer_once(session, prepare_images, lock=preparing_lock(organization_id), timestamp=0)


def preparing_lock(organization_id: uuid.UUID) -> str:
    """Under which its job waits."""
    return f"prepare_images {organization_id}"


@app.periodic(cron="* * * * *")
@app.task(
    name="prepare_images",
    queue="images",
    lock="prepare_images",
    queueing_lock="prepare_images",
    priority=BEHIND,
    pass_context=True,
)
async def prepare_images(context: JobContext, timestamp: int) -> None:
    """Make images ready for some seconds, the newest first; also those that were here before, or were left over."""
    sessions: Sessions = context.additional_context["sessions"]
    waiting = await images_waiting(sessions)
    if not waiting:
        return
    settings: Settings = context.additional_context["settings"]
    sandbox = Sandbox(workers=WORKERS, seconds=SECONDS, niceness=NICENESS)
    preparer = Preparer(
        sessions=sessions,
        objects=Objects(open_store(settings.objects_url, settings.data)),
        sandbox=sandbox,
        data=settings.data,
    )
    end, made, is_over, patience = time.monotonic() + TURN, 0, False, PATIENCE
    try:
        while time.monotonic() < end and not is_over:
            if patience > 0 and await _are_arriving(sessions):
                await asyncio.sleep(QUIET.total_seconds())
                patience -= QUIET.total_seconds()
                continue
            done = await preparer.prepare_lot()
            made, is_over = made + len(done), not done
    finally:
        await sandbox.close()
    log.info("images.prepared", made=made, waiting=max(waiting - made, 0), due=timestamp)
    if not is_over:
        with suppress(AlreadyEnqueued):
            await prepare_images.configure().defer_async(timestamp=0)


async def _are_arriving(sessions: Sessions) -> bool:
    fresh = select(ImagingInstance.id).where(
        ImagingInstance.prepared_at.is_(None), ImagingInstance.created_at > now() - QUIET
    )
    async with transaction(sessions, SYSTEM) as session:
        return bool(await session.scalar(select(fresh.exists())))


async def images_waiting(sessions: Sessions) -> int:
    """How many instances wait to be made ready, counted to 10,000."""
    some = select(ImagingInstance.id).where(ImagingInstance.prepared_at.is_(None)).limit(MOST_COUNTED).subquery()
    async with transaction(sessions, SYSTEM) as session:
        return await session.scalar(select(func.count()).select_from(some)) or 0
