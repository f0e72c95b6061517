"""What the viewer shows of a series first over a thin link: small pictures of many slices in one answer, and frames
whose every beginning can be shown already.
"""

import asyncio
import hashlib
import json
import struct
import uuid
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.imaging.asking import BadQuery
from teleconsult.imaging.models import ImagingInstance, RenditionKind
from teleconsult.imaging.packs import Span
from teleconsult.imaging.places import Place, places_of
from teleconsult.imaging.prepared import prepared, read
from teleconsult.imaging.queries import study_for
from teleconsult.imaging.refusals import Unreadable
from web.api.parts import Part, part_of_bytes, part_of_object, send_one
from web.requests import actor_of, objects_of, own_transactions, renditions_of, sessions_of
from web.views import studies

MOST_SLICES: Final = 64
RECORD: Final = struct.Struct(">II")
"""Slice number and bytes, before each picture."""
CODESTREAM: Final = "image/jphc"
VIDEO: Final = "video/webm"
_AHEAD: Final = 4
"""Pictures that are being made while one is sent."""


@own_transactions
async def previews(request: web.Request) -> web.StreamResponse:
    """`slices=25,1,50` of a series, as many as 64, in that order as each is ready: slice number and length, big endian
    in 4 bytes each, then WebP under the slice's own window, at most 512 pixels a side and 9 KiB.

    A length of 0: this slice cannot be shown, or its series has no longer as many slices as `of` says. A place that the
    series does not have is a 404.
    """
    parts = request.match_info
    try:
        numbers, of = _numbers(request), _of(request)
    except BadQuery:
        async with transaction(sessions_of(request), actor_of(request)) as session:  # who may not know of it hears 404
            await study_for(session, actor_of(request), parts["uid"], study_id=studies.study_id_in(request))
        raise
    async with transaction(sessions_of(request), actor_of(request)) as session:
        places = await places_of(
            session,
            actor_of(request),
            study_uid=parts["uid"],
            series_uid=parts["series"],
            numbers=numbers,
            of=of,
            study_id=studies.study_id_in(request),
        )
        await studies.note_look(request, session)
        spans = await prepared(session, RenditionKind.PREVIEW, [(one.instance.id, one.frame) for one in places])
    if not places:
        nothing = b"".join(RECORD.pack(number, 0) for number in numbers)
        return web.Response(body=nothing, headers={"Cache-Control": "no-store"})
    tag = _tag(places)
    if studies.is_known(request, tag):
        return web.Response(status=304, headers={**studies.CACHED, "ETag": tag})
    response = web.StreamResponse(headers={**studies.CACHED, "ETag": tag})
    response.content_type = "application/octet-stream"
    await response.prepare(request)
    async for record in _records(request, places, spans):
        await response.write(record)
    await response.write_eof()
    return response


@own_transactions
async def codestream(request: web.Request) -> web.StreamResponse:
    """A frame as HTJ2K without loss, the samples those of `studies.pixels`, grey and colour alike; with ranges of it.

    The header `Pixel-Description` is that of `studies.pixels`, with the type that is coded, and `levels`: for each
    resolution, the coarsest first, its width, its height and the bytes from the beginning that bring it.
    """
    instance, frame = await studies.frame_at(request)
    tag = studies.tag_of(instance, frame, "codestream")
    if studies.is_known(request, tag):
        return web.Response(status=304, headers={**studies.CACHED, "ETag": tag})
    try:
        description, part = await _codestream(request, instance, frame)
    except Unreadable as error:
        return studies.not_acceptable(error)
    described = {**studies.CACHED, studies.DESCRIPTION: json.dumps(description)}
    return await send_one(request, part, tag=tag, headers=described)


@own_transactions
async def cine(request: web.Request) -> web.StreamResponse:
    """Moving images as a video, with ranges of it; 404 until it is made, and for what does not move."""
    instance = await studies.instance_at(request)
    span = await _span(request, RenditionKind.CINE, instance, 1)
    if span is None:
        raise NotFound
    tag = studies.tag_of(instance, 0, f"cine {span.object_key}")
    if studies.is_known(request, tag):
        return web.Response(status=304, headers={**studies.CACHED, "ETag": tag})
    video = part_of_object(objects_of(request), span.object_key, VIDEO, start=span.start, length=span.length)
    return await send_one(request, video, tag=tag, headers=studies.CACHED)


async def _codestream(request: web.Request, instance: ImagingInstance, frame: int) -> tuple[dict[str, Any], Part]:
    """The one that was made beforehand, or one made now. Raises Unreadable."""
    span = await _span(request, RenditionKind.CODESTREAM, instance, frame)
    found = await read(objects_of(request), span) if span is not None else None
    if span is None or found is None:
        answer = await renditions_of(request).codestream(instance, frame)
        return answer.head, part_of_bytes(answer.body, CODESTREAM)
    if found.content is not None:
        return found.head, part_of_bytes(found.content, CODESTREAM)
    start, length = span.content_at, span.length
    return found.head, part_of_object(objects_of(request), span.object_key, CODESTREAM, start=start, length=length)


async def _span(request: web.Request, kind: RenditionKind, instance: ImagingInstance, frame: int) -> Span | None:
    place = instance.id, frame
    async with transaction(sessions_of(request), actor_of(request)) as session:
        return (await prepared(session, kind, [place])).get(place)


async def _records(
    request: web.Request, places: Sequence[Place], spans: dict[tuple[uuid.UUID, int], Span]
) -> AsyncIterator[bytes]:
    """One after the other; the next few are made meanwhile, and given up with the request."""
    begun: deque[asyncio.Task[bytes]] = deque()
    left = iter(places)
    try:
        while True:
            while len(begun) < _AHEAD and (one := next(left, None)) is not None:
                span = spans.get((one.instance.id, one.frame))
                begun.append(asyncio.create_task(_record(request, one, span)))
            if not begun:
                return
            yield await begun[0]
            begun.popleft()
    finally:
        for task in begun:
            task.cancel()


async def _record(request: web.Request, one: Place, span: Span | None) -> bytes:
    picture = b""
    if span is not None or one.instance.frames:
        with suppress(Unreadable):
            picture = await studies.preview_of(request, one.instance, one.frame, span)
    return RECORD.pack(one.number, len(picture)) + picture


def _numbers(request: web.Request) -> list[int]:
    written = request.query.get("slices", "").split(",")
    if len(written) > MOST_SLICES:
        raise BadQuery("Ask for at most %(most)s pictures at a time.", most=MOST_SLICES)
    if not all(_is_number(number) for number in written):
        raise BadQuery("Say which pictures, by their numbers from 1.")
    return [int(number) for number in written]


def _of(request: web.Request) -> int | None:
    written = request.query.get("of")
    if written is not None and not _is_number(written):
        raise BadQuery("Say which pictures, by their numbers from 1.")
    return int(written) if written else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _tag(places: list[Place]) -> str:
    digest = hashlib.sha256(b"previews")
    for one in places:
        digest.update(one.instance.sha256 + RECORD.pack(one.number, one.frame))
    return f'"{digest.hexdigest()[:32]}"'
