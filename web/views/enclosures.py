"""Documents and videos of a study, cut out of the objects that hold them."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from aiohttp import web

from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.imaging.enclosures import DOCUMENT_TAG, fragments_of, is_document, is_video, media_type, stream_of
from teleconsult.imaging.frame_index import Span
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.queries import instance_for
from teleconsult.imaging.refusals import Unreadable
from teleconsult.objects import CHUNK, Objects
from web.api.parts import Part, known, part_of_bytes, part_of_object, send_one
from web.api.wado_frames import tag_of_instance
from web.requests import actor_of, objects_of, own_transactions, renditions_of, sessions_of
from web.views.studies import note_look, study_id_in

_PDF: Final = "application/pdf"
_TOLD: Final = 8
"""Bytes by which a stream is recognised."""


@own_transactions
async def document(request: web.Request) -> web.StreamResponse:
    """A PDF, as a file to keep: it may come from anywhere, and what it holds never runs on a page of ours."""
    instance, _stream = await _found(request)
    if not is_document(instance):
        raise NotFound
    tag = tag_of_instance(instance, "document")
    if (answer := known(request, tag)) is not None:
        return answer
    return await send_one(request, await _pdf(request, instance), tag=tag, name="document.pdf")


@own_transactions
async def video(request: web.Request) -> web.StreamResponse:
    """The stream of a video, or the range of it that a player asks for."""
    instance, stream = await _found(request)
    if stream is None:
        raise NotFound
    tag = tag_of_instance(instance, "video")
    if (answer := known(request, tag)) is not None:
        return answer
    objects, key = objects_of(request), instance.object_key
    try:
        fragments = await fragments_of(objects, key, stream)
    except Unreadable as error:
        raise NotFound from error
    start = await objects.read_range(key, fragments[0][0], min(fragments[0][1], _TOLD))
    return await send_one(request, _joined(objects, key, fragments, media_type(start)), tag=tag)


async def _found(request: web.Request) -> tuple[ImagingInstance, Span | None]:
    """The instance of the address, for who now looks at it, and where its stream lies if it is a video."""
    actor, parts = actor_of(request), request.match_info
    async with transaction(sessions_of(request), actor) as session:
        instance = await instance_for(
            session, actor, study_uid=parts["uid"], sop_uid=parts["sop"], study_id=study_id_in(request)
        )
        try:
            stream = await stream_of(session, instance) if is_video(instance) else None
        except Unreadable as error:
            raise NotFound from error
        await note_look(request, session)
    return instance, stream


async def _pdf(request: web.Request, instance: ImagingInstance) -> Part:
    """The value of Encapsulated Document (0042,0011); one that is too long for a header lies where pixels would."""
    if instance.pixels_at:
        objects, length = objects_of(request), instance.pixels_length
        return part_of_object(objects, instance.object_key, _PDF, start=instance.pixels_at, length=length)
    try:
        return part_of_bytes(await renditions_of(request).value(instance, [DOCUMENT_TAG]), _PDF)
    except Unreadable as error:
        raise NotFound from error


def _joined(objects: Objects, key: str, fragments: Sequence[Span], content_type: str) -> Part:
    """The fragments one after the other, in pieces of 1 MiB."""
    whole = sum(length for _at, length in fragments)

    async def read(begin: int, end: int | None) -> AsyncIterator[bytes]:
        left = (whole if end is None else end) - begin
        for at, length in fragments:
            skipped = min(begin, length)
            begin -= skipped
            taken = min(length - skipped, left)
            for start in range(at + skipped, at + skipped + taken, CHUNK):
                yield await objects.read_range(key, start, min(CHUNK, at + skipped + taken - start))
            left -= taken

    return Part(content_type, whole, read)
