"""Recordings whose time is over are deleted, what a server that died left of one is kept; files go with their chat."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext, RetryStrategy
from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.call_models import Attendance
from teleconsult.encounters.recorded_files import RecordedFiles
from teleconsult.encounters.recording_models import Recording, RecordingEnd, RecordingFile
from teleconsult.encounters.recordings import end_recording
from teleconsult.jobs import app, defer, defer_once
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings

FORGOTTEN: Final = timedelta(minutes=15)
"""A recording is open and nobody has been in its session for so long: its server died, or the database was away when
it ended."""
AT_ONCE: Final = 50
RETRY: Final = RetryStrategy(max_attempts=100, wait=600)

log = structlog.get_logger(__name__)


async def erase_soon(session: AsyncSession) -> None:
    """Have the files of deleted recordings taken away, after the commit."""
    await defer_once(session, keep_to_the_time, lock="keep_to_the_time", timestamp=0)


async def forget_files(session: AsyncSession, keys: Sequence[str]) -> None:
    """Have the bytes of a chat's files taken away once its lines are gone."""
    for first in range(0, len(keys), AT_ONCE):
        await defer(session, erase_chat_files, keys=list(keys[first : first + AT_ONCE]))


@app.task(name="erase_chat_files", retry=RETRY, pass_context=True)
async def erase_chat_files(context: JobContext, keys: list[str]) -> None:
    """Take the objects away; those that are gone already are fine."""
    settings: Settings = context.additional_context["settings"]
    objects = Objects(open_store(settings.objects_url, settings.data))
    for key in keys:
        await objects.delete(key)


@app.periodic(cron="*/10 * * * *")
@app.task(name="keep_to_the_time", queueing_lock="keep_to_the_time", pass_context=True)
async def keep_to_the_time(context: JobContext, timestamp: int) -> None:
    """Every ten minutes: take up what was left, delete what is over."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    objects = Objects(open_store(settings.objects_url, settings.data))
    rescued = await RecordedFiles.of(settings, sessions).take_up()
    await end_forgotten(sessions, days=settings.recording_days)
    expired, erased = await expire(sessions), await erase(sessions, objects)
    log.info("recordings.kept_to_the_time", rescued=rescued, expired=expired, erased=erased, due=timestamp)


async def end_forgotten(sessions: Sessions, *, days: int) -> None:
    """End recordings that nobody ended, of sessions that nobody is in any more."""
    async with transaction(sessions, SYSTEM) as session:
        long_ago = now() - FORGOTTEN
        lately = exists().where(Attendance.encounter_id == Recording.encounter_id, Attendance.seen_at >= long_ago)
        forgotten = select(Recording.id).where(Recording.ended_at.is_(None), Recording.asked_at < long_ago, ~lately)
        for id in (await session.scalars(forgotten)).all():
            await end_recording(session, recording_id=id, why=RecordingEnd.CUT_OFF, days=days)


async def expire(sessions: Sessions) -> int:
    """Say of recordings whose time is over that they are deleted: how many."""
    async with transaction(sessions, SYSTEM) as session:
        over = select(Recording).where(Recording.expires_at <= now(), Recording.deleted_at.is_(None))
        found = (await session.scalars(over)).all()
        for recording in found:
            recording.deleted_at = now()
            record(session, SYSTEM, "recording-expired", recording, patient_id=recording.patient_id)
    return len(found)


async def erase(sessions: Sessions, objects: Objects) -> int:
    """Take away the files of deleted recordings, and their keys: how many. Their rows stay."""
    gone = select(Recording.id).where(Recording.deleted_at.is_not(None))
    still = or_(RecordingFile.sealed_key.is_not(None), RecordingFile.object_key.is_not(None))
    erased = 0
    while True:
        async with transaction(sessions, SYSTEM) as session:
            some = select(RecordingFile).where(RecordingFile.recording_id.in_(gone), still).limit(AT_ONCE)
            files = (await session.scalars(some)).all()
            for file in files:
                if file.object_key is not None:
                    await objects.delete(file.object_key)
                file.object_key = file.sealed_key = None
        erased += len(files)
        if len(files) < AT_ONCE:
            return erased
