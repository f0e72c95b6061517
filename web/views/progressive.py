"""What the viewer shows of a series first over a thin link: small pictures of many slices in one answer, and frames
whose every beginning can be shown already.
"""

import asyncio
import hashlib
import json
import struct
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.imaging.asking import BadQuery
from teleconsult.imaging.places import Place, places_of
from teleconsult.imaging.refusals import Unreadable
from web.api.parts import part_of_bytes, send_one
from web.requests import actor_of, own_transactions, renditions_of, sessions_of
from web.views import studies

MOST_SLICES: Final = 64
RECORD: Final = struct.Struct(">II")
"""Slice number and bytes, before each picture."""
CODESTREAM: Final = "image/jphc"
_AHEAD: Final = 4
"""Pictures that are being made while one is sent."""


@own_transactions
async def previews(request: web.Request) -> web.StreamResponse:
    """`slices=25,1,50` of a series, as many as 64, in that order as each is ready: slice number and length, big endian
    in 4 bytes each, then WebP under the slice's own window, at most 512 pixels a side and 20 KiB.

    A length of 0: this slice cannot be shown. A place that the series does not have is a 404.
    """
    numbers = _numbers(request)
    parts = request.match_info
    async with transaction(sessions_of(request), actor_of(request)) as session:
        places = await places_of(
            session,
            actor_of(request),
            study_uid=parts["uid"],
            series_uid=parts["series"],
            numbers=numbers,
            study_id=studies.study_id_in(request),
        )
        await studies.note_look(request, session)
    tag = _tag(places)
    if studies.is_known(request, tag):
        return web.Response(status=304, headers={**studies.CACHED, "ETag": tag})
    response = web.StreamResponse(headers={**studies.CACHED, "ETag": tag})
    response.content_type = "application/octet-stream"
    await response.prepare(request)
    async for record in _records(request, iter(places)):
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
        answer = await renditions_of(request).codestream(instance, frame)
    except Unreadable as error:
        return studies.not_acceptable(error)
    described = {**studies.CACHED, studies.DESCRIPTION: json.dumps(answer.head)}
    return await send_one(request, part_of_bytes(answer.body, CODESTREAM), tag=tag, headers=described)


async def _records(request: web.Request, places: Iterator[Place]) -> AsyncIterator[bytes]:
    """One after the other; the next few are made meanwhile, and given up with the request."""
    begun: deque[asyncio.Task[bytes]] = deque()
    try:
        while True:
            while len(begun) < _AHEAD and (one := next(places, None)) is not None:
                begun.append(asyncio.create_task(_record(request, one)))
            if not begun:
                return
            yield await begun[0]
            begun.popleft()
    finally:
        for task in begun:
            task.cancel()


async def _record(request: web.Request, one: Place) -> bytes:
    picture = b""
    if one.instance.frames:
        try:
            picture = await renditions_of(request).preview(one.instance, one.frame)
        except Unreadable:
            picture = b""
    return RECORD.pack(one.number, len(picture)) + picture


def _numbers(request: web.Request) -> list[int]:
    written = request.query.get("slices", "").split(",")
    if len(written) > MOST_SLICES:
        raise BadQuery("Ask for at most %(most)s pictures at a time.", most=MOST_SLICES)
    if not all(number.isascii() and number.isdigit() and len(number) <= 9 for number in written):
        raise BadQuery("Say which pictures, by their numbers from 1.")
    return [int(number) for number in written]


def _tag(places: list[Place]) -> str:
    digest = hashlib.sha256(b"previews")
    for one in places:
        digest.update(one.instance.sha256 + RECORD.pack(one.number, one.frame))
    return f'"{digest.hexdigest()[:32]}"'
