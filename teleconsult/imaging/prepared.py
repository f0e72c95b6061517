"""What was made of images beforehand, found again."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.imaging.models import ImagingRendition, RenditionKind
from teleconsult.imaging.packs import Span, span_of
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


async def read(objects: Objects, span: Span) -> Found:
    """The head of a record; with its content, unless that is over 1 MiB. Raises NotFound."""
    length = span.head_length + span.length
    if length > CHUNK:
        return Found(orjson.loads(await objects.read_range(span.object_key, span.start, span.head_length)), None)
    record = await objects.read_range(span.object_key, span.start, length)
    return Found(orjson.loads(record[: span.head_length]), record[span.head_length :])
