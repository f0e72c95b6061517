"""Files that stand in an object: a PDF (PS3.3 A.45.1), the stream of a video (PS3.5 §8.2.5 to §8.2.10)."""

from dataclasses import dataclass
from typing import Final

from pydicom.uid import EncapsulatedPDFStorage
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.imaging.frame_index import ENTRY, ITEM, ITEM_TAG, VIDEO, Span
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.objects import Objects

DOCUMENT_TAG: Final = "00420011"
MOST_FRAGMENTS: Final = 1000
"""Of a stream. It is nearly always one; each costs a read."""
_PACKET: Final = b"\x47"
"""Every packet of an MPEG transport stream begins so."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A document or a video, as a page lists it."""

    sop_instance_uid: str
    title: str
    is_video: bool


def is_document(instance: ImagingInstance) -> bool:
    """Whether it holds a PDF."""
    return instance.sop_class_uid == EncapsulatedPDFStorage


def is_video(instance: ImagingInstance) -> bool:
    """Whether its pixels are one stream, by their transfer syntax."""
    return instance.transfer_syntax_uid.startswith(VIDEO)


def is_enclosed(series: ImagingSeries) -> bool:
    """Whether nothing of it is a picture."""
    return all(is_document(one) or is_video(one) for one in series.instances)


def enclosures_of(study: ImagingStudy) -> list[Enclosure]:
    """What a page lists of a study that was loaded with its instances."""
    return [
        Enclosure(
            one.sop_instance_uid, f"{series.description} {one.number or ''}".strip(), is_video=not is_document(one)
        )
        for series in study.series
        for one in series.instances
        if is_document(one) or is_video(one)
    ]


def media_type(start: bytes) -> str:
    """Of a stream that begins like this: MP4 or MPEG-TS, the two that DICOM knows."""
    if start[4:8] == b"ftyp":
        return "video/mp4"
    return "video/mp2t" if start.startswith(_PACKET) else "application/octet-stream"


async def stream_of(session: AsyncSession, instance: ImagingInstance) -> Span:
    """Where all items of the stream lie in the stored file. Raises Unreadable for one without any."""
    index = await session.scalar(select(ImagingInstance.frame_index).where(ImagingInstance.id == instance.id))
    if not index:
        raise Unreadable(Refusal.NO_PIXELS)
    at, length = ENTRY.unpack_from(bytes(index))
    return at, length


async def fragments_of(objects: Objects, key: str, stream: Span) -> list[Span]:
    """Where the bytes of the stream lie, its items and empty fragments left out. Raises Unreadable."""
    at, end = stream[0], sum(stream)
    spans: list[Span] = []
    for _read in range(MOST_FRAGMENTS):
        if at >= end:
            break
        group, element, length = ITEM.unpack(await objects.read_range(key, at, ITEM.size))
        at += ITEM.size
        if (group, element) != ITEM_TAG or at + length > end:
            raise Unreadable(Refusal.DAMAGED)
        if length:
            spans.append((at, length))
        at += length
    if at < end:
        raise Unreadable(Refusal.TOO_DEMANDING)
    if not spans:
        raise Unreadable(Refusal.NO_PIXELS)
    return spans
