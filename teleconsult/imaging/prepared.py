"""What was made of images beforehand, found again."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.errors import NotFound
from teleconsult.imaging.models import ImagingInstance, ImagingRendition, RenditionKind
from teleconsult.imaging.packs import Span, span_of
from teleconsult.imaging.rendering import PREVIEW_SIZE, THUMBNAIL_SIZE
from teleconsult.objects import CHUNK, Objects


@dataclass(frozen=True, slots=True)
class Found:
    """A record's head, and its content where that came along in the same read."""

    head: dict[str, Any]
    content: bytes | None


async def prepared(
    session: AsyncSession, kind: RenditionKind, frames: Collection[tuple[uuid.UUID, int]]
) -> dict[tuple[uuid.UUID, int], Span]:
    """Where what was made of these frames lies: (instance, frame from 1), of instances that were looked up."""
    rows = await session.execute(
        select(ImagingRendition.imaging_instance_id, ImagingRendition.object_key, ImagingRendition.entries).where(
            ImagingRendition.imaging_instance_id.in_({instance_id for instance_id, _frame in frames}),
            ImagingRendition.kind == kind,
            ImagingRendition.object_key != "",
        )
    )
    packs = {instance_id: (key, entries) for instance_id, key, entries in rows}
    spans = {(id_, frame): span_of(*packs[id_], frame) for id_, frame in frames if id_ in packs}
    return {frame: span for frame, span in spans.items() if span is not None}


async def ready_picture(
    session: AsyncSession, objects: Objects, instance: ImagingInstance, frame: int, *, size: int
) -> bytes | None:
    """What `rendering.rendered` draws of the frame under its own window, where just that was made; else None."""
    is_whole = max(instance.rows, instance.columns) <= PREVIEW_SIZE <= size
    if size == THUMBNAIL_SIZE and frame == (instance.frames + 1) // 2:
        kind, place = RenditionKind.THUMBNAIL, (instance.id, 1)
    elif size == PREVIEW_SIZE or is_whole:
        kind, place = RenditionKind.PREVIEW, (instance.id, frame)
    else:
        return None
    span = (await prepared(session, kind, [place])).get(place)
    found = await read(objects, span) if span is not None else None
    is_exact = found is not None and (kind is RenditionKind.THUMBNAIL or found.head["is_rendered"])
    return found.content if found is not None and is_exact else None


async def whole_picture(session: AsyncSession, objects: Objects, instance_id: uuid.UUID) -> bytes | None:
    """What `rendering.drawn` makes of the first frame unless told otherwise, where it was made; else None."""
    place = instance_id, 1
    span = (await prepared(session, RenditionKind.PICTURE, [place])).get(place)
    if span is None:
        return None
    try:
        return await objects.read_range(span.object_key, span.content_at, span.length)
    except NotFound:
        return None


async def read(objects: Objects, span: Span) -> Found | None:
    """The head of a record; with its content, unless that is over 1 MiB. None where it was lost: make it again."""
    length = span.head_length + span.length
    is_whole = length <= CHUNK
    try:
        record = await objects.read_range(span.object_key, span.start, length if is_whole else span.head_length)
    except NotFound:
        return None
    return Found(orjson.loads(record[: span.head_length]), record[span.head_length :] if is_whole else None)
