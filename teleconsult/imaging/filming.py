"""Moving images as videos, made beforehand: one instance at a time, for that may take a while."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.imaging.models import ImagingInstance, ImagingRendition, ImagingSeries, ImagingStudy, RenditionKind
from teleconsult.imaging.moving import MODALITIES
from teleconsult.imaging.packs import ENTRY
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.renditions import Originals
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.jobs import app, defer
from teleconsult.objects import Objects, new_key, open_store
from teleconsult.settings import Settings

SECONDS: Final = 120
"""For one video."""
NICENESS: Final = 10
BEHIND: Final = -10
"""Of the jobs' own order: after notes and notices."""
MOST_TRIES: Final = 6

log = structlog.get_logger(__name__)


class Later(BaseRetryStrategy):
    """Again after 6, 36 seconds …, for the last time two hours later: nobody else asks for a video that was not kept.

    Each time behind the others, who would wait for it: under one lock the first in order comes first.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When; None once it was tried often enough."""
        tries = job.attempts + 1
        if tries >= MOST_TRIES:
            return None
        return RetryDecision(retry_in={"seconds": 6**tries}, priority=job.priority - 1)


@dataclass(frozen=True, slots=True)
class _Filmed:
    study_id: uuid.UUID
    sha256: bytes
    object_key: str


async def film_soon(session: AsyncSession, instances: Collection[uuid.UUID]) -> None:
    """Have videos made of those of these that may move: several frames, of a modality that makes them in turn."""
    wanted = (
        select(ImagingInstance.id)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingInstance.id.in_(instances), ImagingInstance.frames > 1, ImagingSeries.modality.in_(MODALITIES))
    )
    for instance_id in await session.scalars(wanted):
        await defer(session, film_images, instance_id=str(instance_id))


@app.task(name="film_images", queue="images", lock="film_images", priority=BEHIND, pass_context=True, retry=Later())
async def film_images(context: JobContext, instance_id: str) -> None:
    """Make the video of moving images."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    sandbox = Sandbox(workers=1, seconds=SECONDS, niceness=NICENESS)
    try:
        objects = Objects(open_store(settings.objects_url, settings.data))
        is_made = await film(sessions, objects, sandbox, data=settings.data, instance_id=uuid.UUID(instance_id))
    finally:
        await sandbox.close()
    log.info("images.filmed", is_made=is_made)


async def film(sessions: Sessions, objects: Objects, sandbox: Sandbox, *, data: Path, instance_id: uuid.UUID) -> bool:
    """Make the video of an instance, unless it has one or is known to have none. Whether there is a new one."""
    async with transaction(sessions, SYSTEM) as session:
        found = await _unfilmed(session, instance_id)
    if found is None:
        return False
    video, refusal = b"", ""
    try:
        path = await Originals(objects, data / "cache" / "originals").path_of(found)
        video = (await sandbox.ask("cine", path, seconds=SECONDS)).body
    except Unreadable as error:
        refusal = error.refusal.value
    except NotFound:
        refusal = Refusal.DAMAGED.value
    row = ImagingRendition(
        imaging_instance_id=instance_id,
        kind=RenditionKind.CINE,
        object_key="" if refusal else new_key("rendition"),
        entries=b"" if refusal else ENTRY.pack(0, 0, len(video)),
        refusal=refusal,
        source_sha256=found.sha256,
        created_at=now(),
    )
    is_kept = False
    try:
        if row.object_key:
            await objects.put(row.object_key, video)
        is_kept = await _enter(sessions, row, found.study_id)
    finally:
        if row.object_key and not is_kept:
            await objects.delete(row.object_key)
    return is_kept and bool(row.object_key)


async def _enter(sessions: Sessions, row: ImagingRendition, study_id: uuid.UUID) -> bool:
    """Whether the row stands: not where the image was removed, or another was faster."""
    async with transaction(sessions, SYSTEM) as session:
        is_wanted = await hold_study(session, study_id) and await _unfilmed(session, row.imaging_instance_id, lock=True)
        if is_wanted:
            session.add(row)
    return bool(is_wanted)


async def _unfilmed(session: AsyncSession, instance_id: uuid.UUID, *, lock: bool = False) -> _Filmed | None:
    is_filmed = exists().where(
        ImagingRendition.imaging_instance_id == instance_id, ImagingRendition.kind == RenditionKind.CINE
    )
    wanted = (
        select(ImagingSeries.imaging_study_id, ImagingInstance.sha256, ImagingInstance.object_key)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingInstance.id == instance_id, ~is_filmed)
    )
    if lock:
        wanted = wanted.with_for_update(of=ImagingInstance)
    row = (await session.execute(wanted)).one_or_none()
    return _Filmed(*row) if row is not None else None


async def hold_study(session: AsyncSession, study_id: uuid.UUID) -> bool:
    """Whether the study is still here; until the transaction ends nobody removes it."""
    held = select(ImagingStudy.id).where(ImagingStudy.id == study_id).with_for_update(read=True, key_share=True)
    return await session.scalar(held) is not None
