"""WADO-RS: what is retrieved, looked up through the actor (PS3.18 §10.4)."""

import hashlib
import uuid
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound
from teleconsult.imaging.frame_index import ENTRY, without_items
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.queries import study_for
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.objects import CHUNK, Objects

LARGEST_FRAME: Final = 128 * 1024 * 1024
"""Of an encapsulated frame, which is put together in memory."""
_BULK: Final = b'"BulkDataURI":"'
_FEW: Final = 16


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored instance, as far as it takes to send it."""

    id: uuid.UUID
    sop_instance_uid: str
    transfer_syntax_uid: str
    size: int
    sha256: bytes
    object_key: str


@dataclass(frozen=True, slots=True)
class Range:
    """Where a native frame lies in its file: `bits` from bit `first_bit` of the byte at `start`."""

    start: int
    first_bit: int
    bits: int

    @property
    def length(self) -> int:
        """Bytes that are sent: a frame that does not end on one is filled up."""
        return (self.bits + 7) // 8


@dataclass(frozen=True, slots=True)
class Addressed:
    """One instance of a study, and how many frames can be cut out of its stored file."""

    study: ImagingStudy
    instance: ImagingInstance
    frames: int


async def instances_for(
    session: AsyncSession, actor: Actor, *, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
) -> tuple[ImagingStudy, list[Kept]]:
    """A study the actor may read, and the instances of it, of one series or one alone, in their order.

    Raises NotFound where there is none.
    """
    study = await study_for(session, actor, study_uid)
    question = (
        select(
            *(ImagingInstance.id, ImagingInstance.sop_instance_uid, ImagingInstance.transfer_syntax_uid),
            *(ImagingInstance.size, ImagingInstance.sha256, ImagingInstance.object_key),
        )
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingSeries.imaging_study_id == study.id)
        .order_by(ImagingSeries.number, ImagingSeries.id, ImagingInstance.number, ImagingInstance.sop_instance_uid)
    )
    if series_uid is not None:
        question = question.where(ImagingSeries.series_instance_uid == series_uid)
    if sop_uid is not None:
        question = question.where(ImagingInstance.sop_instance_uid == sop_uid)
    kept = [Kept(*row) for row in await session.execute(question)]
    if not kept:
        raise NotFound
    return study, kept


async def pictures_for(
    session: AsyncSession, actor: Actor, *, study_uid: str, series_uid: str | None = None, most: int
) -> tuple[ImagingStudy, list[tuple[Kept, str]]]:
    """A study the actor may read, and those of its instances, or of one series of it, that can be drawn, in their
    order, each with the UID of its series; one more than `most` at most. Raises NotFound where there is none.
    """
    study = await study_for(session, actor, study_uid)
    question = (
        select(
            *(ImagingInstance.id, ImagingInstance.sop_instance_uid, ImagingInstance.transfer_syntax_uid),
            *(ImagingInstance.size, ImagingInstance.sha256, ImagingInstance.object_key),
            ImagingSeries.series_instance_uid,
        )
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingSeries.imaging_study_id == study.id)
        .where(ImagingInstance.frames > 0, ImagingInstance.not_displayable_because == "")
        .order_by(ImagingSeries.number, ImagingSeries.id, ImagingInstance.number, ImagingInstance.sop_instance_uid)
        .limit(most + 1)
    )
    if series_uid is not None:
        question = question.where(ImagingSeries.series_instance_uid == series_uid)
    found = [(Kept(*row[:-1]), row[-1]) for row in await session.execute(question)]
    if not found:
        raise NotFound
    return study, found


async def instances_of_series(session: AsyncSession, study: ImagingStudy, *, series_uid: str) -> list[tuple[Kept, int]]:
    """The instances of one series of a study that was looked up, in the viewer's order, each with its frames."""
    question = (
        select(
            *(ImagingInstance.id, ImagingInstance.sop_instance_uid, ImagingInstance.transfer_syntax_uid),
            *(ImagingInstance.size, ImagingInstance.sha256, ImagingInstance.object_key),
            ImagingInstance.frames,
        )
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingSeries.imaging_study_id == study.id, ImagingSeries.series_instance_uid == series_uid)
        .order_by(ImagingInstance.number, ImagingInstance.sop_instance_uid)
    )
    return [(Kept(*row[:-1]), row[-1]) for row in await session.execute(question)]


async def instance_within(
    session: AsyncSession, actor: Actor, *, study_uid: str, series_uid: str, sop_uid: str
) -> Addressed:
    """One instance of a study the actor may read, by its whole address. Raises NotFound."""
    study = await study_for(session, actor, study_uid)
    found = await session.execute(
        select(ImagingInstance, func.coalesce(func.length(ImagingInstance.frame_index), 0))
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(
            ImagingSeries.imaging_study_id == study.id,
            ImagingSeries.series_instance_uid == series_uid,
            ImagingInstance.sop_instance_uid == sop_uid,
        )
    )
    instance, index_length = found.one_or_none() or (None, 0)
    if instance is None:
        raise NotFound
    return Addressed(study, instance, number_of_frames(instance, index_length))


async def descriptions_of(session: AsyncSession, kept: Sequence[Kept]) -> list[bytes | None]:
    """The ready-made DICOM JSON of instances that were looked up, compressed by zlib, in the same order."""
    question = select(ImagingInstance.id, ImagingInstance.dicom_json).where(
        ImagingInstance.id.in_([one.id for one in kept])
    )
    found = dict((await session.execute(question)).all())
    return [found.get(one.id) for one in kept]


def joined(descriptions: Iterable[bytes], *, server: str) -> bytes:
    """Descriptions as the members of a JSON array; the addresses in them begin with `server`."""
    address = _BULK + server.encode()
    return b",".join(zlib.decompress(told).replace(_BULK + b"/", address + b"/") for told in descriptions)


def tag_of(kept: Iterable[Kept], rest: str) -> str:
    """An entity tag (RFC 9110 §8.8.3) of an answer that is made of these instances alone."""
    digest = hashlib.sha256(rest.encode())
    for one in kept:
        digest.update(one.sop_instance_uid.encode() + one.sha256)
    return f'"{digest.hexdigest()[:32]}"'


async def spans_of(session: AsyncSession, instance: ImagingInstance, frames: Sequence[int]) -> list[tuple[int, int]]:
    """Where encapsulated frames (from 1) lie: start and length of their items. For a few, the index is not all read.

    Raises NotFound where the instance is no longer the actor's to see.
    """
    places = [(frame - 1) * ENTRY.size for frame in frames]
    if len(places) <= _FEW:
        columns = [func.substring(ImagingInstance.frame_index, place + 1, ENTRY.size) for place in places]
        row = (await session.execute(select(*columns).where(ImagingInstance.id == instance.id))).one_or_none()
        if row is None:
            raise NotFound
        return [ENTRY.unpack(bytes(entry)) for entry in row]
    index = await session.scalar(select(ImagingInstance.frame_index).where(ImagingInstance.id == instance.id))
    if index is None:
        raise NotFound
    return [ENTRY.unpack_from(index, place) for place in places]


def number_of_frames(instance: ImagingInstance, index_length: int) -> int:
    """How many frames can be cut out of the stored file; `index_length` in bytes."""
    return instance.pixels_length * 8 // instance.frame_bits if instance.frame_bits else index_length // ENTRY.size


def range_of(instance: ImagingInstance, frame: int) -> Range:
    """Where a native frame (from 1) lies."""
    first = (frame - 1) * instance.frame_bits
    return Range(instance.pixels_at + first // 8, first % 8, instance.frame_bits)


async def codestream(objects: Objects, key: str, span: tuple[int, int]) -> bytes:
    """An encapsulated frame, by one read of a range. Raises Unreadable."""
    start, length = span
    if length > LARGEST_FRAME:
        raise Unreadable(Refusal.TOO_LARGE)
    try:
        return without_items(await objects.read_range(key, start, length))
    except ValueError as error:
        raise Unreadable(Refusal.DAMAGED) from error


async def pieces_of(objects: Objects, key: str, lies: Range) -> AsyncIterator[bytes]:
    """A native frame in pieces of at most 1 MiB."""
    if lies.first_bit or lies.bits % 8:
        if lies.length > LARGEST_FRAME:
            raise Unreadable(Refusal.TOO_LARGE)
        read = await objects.read_range(key, lies.start, (lies.first_bit + lies.bits + 7) // 8)
        number = int.from_bytes(read, "little") >> lies.first_bit & (1 << lies.bits) - 1
        yield number.to_bytes(lies.length, "little")
        return
    end = lies.start + lies.length
    for start in range(lies.start, end, CHUNK):
        yield await objects.read_range(key, start, min(CHUNK, end - start))
