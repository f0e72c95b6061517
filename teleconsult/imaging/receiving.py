"""Files as they arrive: opened where they are archives, read in the sandbox, kept, and stored in one transaction."""

import asyncio
import uuid
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.db import Sessions, transaction
from teleconsult.errors import TeleconsultError
from teleconsult.imaging.actions import Instance, Outcome, store_instances, take_turn
from teleconsult.imaging.archives import MOST_ENTRIES, MOST_INFLATED, Entry, extract, shown_name
from teleconsult.imaging.arriving import take_arrived
from teleconsult.imaging.digests import MARK, PREFIX, Digest, digest_of
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.joining import join_series
from teleconsult.imaging.lots import Lots
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.pacs.awaiting import Awaited, store_awaited
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.imaging.sandboxed_headers import Header, read_header, read_headers
from teleconsult.objects import Handed, Objects, new_key, new_keys
from teleconsult.pipelines import piped_transaction

KEPT_AT_ONCE: Final = 2
_ARCHIVE = b"PK\x03\x04"
_EMPTY_ARCHIVE = b"PK\x05\x06"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """A file in our temporary folder, and the name its sender gave it, which is only ever shown."""

    name: str
    path: Path
    announced: tuple[str, str] | None = None
    """The SOP class and instance its sender said it is, where the door has senders say so: it must be that."""
    is_given: bool = False
    """Whether this very file may be kept: nobody writes to it any more."""
    digest: Digest | None = None
    """Of the bytes that were written, where the door had them in its hands."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read: what it is, or why it is not taken."""

    file: Received
    header: InstanceHeader | None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of one thing that a machine sent: which object it is, where that could be read, and why it is not
    kept. No more than that: a request has thousands.
    """

    refusal: Refusal | None
    study_uid: str = ""
    series_uid: str = ""
    sop_instance_uid: str = ""
    sop_class_uid: str = ""

    @classmethod
    def of(cls, header: InstanceHeader | None, refusal: Refusal | None) -> "Arrival":
        """Of what was read of a file."""
        if header is None:
            return cls(refusal)
        uids = header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid, header.sop_class_uid
        return cls(refusal, *uids)


@dataclass(slots=True)
class _Room:
    """What the archives of one upload may still hold together: many small ones are a bomb, too."""

    bytes: int
    entries: int = MOST_ENTRIES

    def take(self, size: int) -> bool:
        self.bytes -= size
        self.entries -= 1
        return self.bytes >= 0 and self.entries >= 0


class Receiver:
    """The one way in for DICOM, whichever door it came through."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        objects: Objects,
        sandbox: Sandbox,
        file_limit: int,
        inflated_limit: int = MOST_INFLATED,
    ) -> None:
        """In bytes: `file_limit` for a file and for each file of an archive, `inflated_limit` for all of these."""
        self._sessions, self._objects, self._sandbox = sessions, objects, sandbox
        self._file_limit, self._inflated_limit = file_limit, inflated_limit
        self._lots = Lots(self._take, self._forget_unnamed)

    async def receive(self, actor: Actor, *, consult_id: uuid.UUID, files: Sequence[Received]) -> list[Outcome]:
        """Store what can be stored, in one transaction; the outcome of every file, those of archives one by one.

        The caller removes the files. Raises NotFound, Forbidden and Refused as `store_instances` does; then, as
        after any failure, nothing stays behind.
        """
        room = _Room(self._inflated_limit)
        readings = [reading for file in files async for reading in self._read(file, room)]
        refused = [Outcome(reading.file.name, reading.refusal) for reading in readings if reading.refusal]

        kept: list[str] = []
        try:
            instances = await self._keep_all(readings, kept)
            async with transaction(self._sessions, actor) as session:
                stored = await store_instances(
                    session, actor, consult_id=consult_id, instances=instances, objects=self._objects
                )
        except BaseException:
            await self._forget_unnamed(actor.organization_id, kept)
            raise
        used = {outcome.object_key for outcome in stored}
        await self._forget([key for key in kept if key not in used])
        return [*stored, *refused]

    async def receive_arrived(
        self,
        actor: Actor,
        *,
        files: Sequence[Received],
        study_uid: str | None = None,
        awaited: Mapping[str, Awaited] = MappingProxyType({}),
    ) -> list[Arrival]:
        """Store what a machine sent for its establishment; what became of each file, in order.

        With `study_uid`, what is of another study is refused. What is of an `awaited` study goes into the request it
        was fetched for. What the same sender brings meanwhile may be filed in the same transaction. The caller removes
        the files. Raises as `take_arrived`; then, as after any failure, nothing stays behind.
        """
        known = [file for file in files if is_dicom(file.path)]  # many small things cost no worker
        readings, instances, settled = await self._take_in(known, study_uid)
        stored = iter(await self._file_arrived(actor, instances, awaited, settled))
        looked = [readings.get(file) or Reading(file, None, Refusal.NOT_DICOM) for file in files]
        return [Arrival.of(one.header, one.refusal or next(stored).refusal) for one in looked]

    async def _file_arrived(
        self, actor: Actor, instances: Sequence[Instance], awaited: Mapping[str, Awaited], settled: asyncio.Future[None]
    ) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}
        for uid, wanted in awaited.items():
            await asyncio.wait({settled})
            settled.result()
            of_study = [one for one in instances if one.header.study_instance_uid == uid]
            outcomes |= zip(_keys(of_study), await self._file_awaited(wanted, of_study), strict=True)
        others = [one for one in instances if one.object_key not in outcomes]
        if others:
            outcomes |= zip(_keys(others), await self._lots.file(actor, others, settled), strict=True)
        return [outcomes[key] for key in _keys(instances)]

    async def _file_awaited(self, wanted: Awaited, instances: Sequence[Instance]) -> list[Outcome]:
        if not instances:
            return []
        try:
            outcomes = await store_awaited(self._sessions, wanted, instances, self._objects)
        except BaseException:
            house_id = wanted.actor.organization_id if wanted.actor else None
            await self._forget_unnamed(house_id, _keys(instances))
            raise
        used = {outcome.object_key for outcome in outcomes}
        await self._forget([key for key in _keys(instances) if key not in used])
        return outcomes

    async def receive_made(self, file: Received, store: Callable[[Instance], Awaitable[None]]) -> Refusal | None:
        """Keep a file that was made here, whose rows `store` writes; why it is not taken, or None.

        The caller removes the file. Raises what `store` raises; then, as after any failure, nothing stays behind.
        """
        reading = await self._read_instance(file)
        if reading.header is None:
            return reading.refusal
        kept: list[str] = []
        try:
            await store(await self._keep(file, reading.header, kept))
        except (
            TeleconsultError
        ):  # refused before any commit; what failed otherwise may have been committed, so it stays
            await self._forget(kept)
            raise
        return None

    async def _take_in(
        self, files: Sequence[Received], study_uid: str | None
    ) -> tuple[dict[Received, Reading], list[Instance], asyncio.Future[None]]:
        """Read the files and keep them at the same time; those that are refused are forgotten again. What is last in
        the answer is done when the disk holds them: no row that names one may be committed before.
        """
        keys = new_keys("dicom", len(files))
        reading = self._read_arrived(files, study_uid)
        keeping = asyncio.create_task(self._hand_over(files, keys))
        try:
            readings, handed = await asyncio.gather(reading, asyncio.shield(keeping))
        except BaseException:
            await asyncio.wait({keeping})  # what a thread has begun, it finishes
            if not keeping.cancelled() and keeping.exception() is None:
                await asyncio.wait({keeping.result().settled})
            await self._forget(keys)
            raise
        kept, refused = [], []
        for one, key in zip(readings, keys, strict=True):
            if one.header is None or one.refusal:
                refused.append(key)
            else:
                kept.append(_instance(one.file, one.header, handed.told[key], key))
        if refused:
            await asyncio.wait({handed.settled})
            await self._forget(refused)
        return dict(zip(files, readings, strict=True)), kept, handed.settled

    async def _take(
        self, actor: Actor, instances: Sequence[Instance], settled: Collection[asyncio.Future[None]]
    ) -> list[Outcome]:
        """In one transaction, which looks and writes while the disk is still at work, and waits for it to commit.

        What comes alone mostly joins a series that is here.
        """
        if len(instances) == 1:
            joined = await join_series(self._sessions, actor, instances[0], hold=partial(_hold, settled))
            if joined is not None:
                return [joined]
        async with piped_transaction(self._sessions, SYSTEM) as session:
            outcomes = await take_arrived(session, actor, instances=instances, objects=self._objects)
            await _hold(settled)
            return outcomes

    async def _hand_over(self, files: Sequence[Received], keys: Sequence[str]) -> Handed[Digest]:
        keyed = list(zip(keys, files, strict=True))
        given = [(key, file.path) for key, file in keyed if file.is_given]
        known = {file.path: file.digest for file in files}
        is_known = all(file.digest for file in files)
        handed = await self._objects.begin_to_hand_over(
            given, lambda path: known[path] or digest_of(path), is_known=is_known
        )
        try:
            for key, file in keyed:
                if not file.is_given:
                    handed.told[key] = await asyncio.to_thread(digest_of, file.path)
                    await self._objects.put(key, file.path)
        except BaseException:
            await asyncio.wait({handed.settled})
            raise
        return handed

    async def _read_arrived(self, files: Sequence[Received], study_uid: str | None) -> list[Reading]:
        headers = await read_headers(self._sandbox, [file.path for file in files])
        return [_judged(_reading(file, header), study_uid) for file, header in zip(files, headers, strict=True)]

    async def _read(self, file: Received, room: _Room) -> AsyncIterator[Reading]:
        with file.path.open("rb") as opened:
            start = opened.read(len(_ARCHIVE))
        if start in (_ARCHIVE, _EMPTY_ARCHIVE):
            async for reading in self._read_archive(file, room):
                yield reading
        else:
            yield await self._read_instance(file)

    async def _read_instance(self, file: Received) -> Reading:
        return _reading(file, await read_header(self._sandbox, file.path))

    async def _read_archive(self, file: Received, room: _Room) -> AsyncIterator[Reading]:
        try:
            answer = await self._sandbox.ask("archive", file.path)
        except Unreadable as error:
            yield Reading(file, None, error.refusal)
            return
        with await asyncio.to_thread(zipfile.ZipFile, file.path) as archive:  # twenty thousand names take a while
            for entry in (Entry(**listed) for listed in answer.head["entries"]):
                inside = Received(entry.name, file.path.with_name(f"{file.path.name}-{entry.position}"))
                refusal = entry.refusal or (None if room.take(entry.size) else Refusal.ARCHIVE_BOMB)
                if refusal:
                    yield Reading(inside, None, Refusal(refusal))
                    continue
                try:
                    await asyncio.to_thread(extract, archive, entry, inside.path, limit=self._file_limit)
                except Unreadable as error:
                    yield Reading(inside, None, error.refusal)
                    continue
                yield await self._read_instance(inside)

    async def _keep_all(self, readings: Sequence[Reading], kept: list[str]) -> list[Instance]:
        """Two at a time: one is written while the other waits for the disk. Ends when none is on its way any more."""
        turns = asyncio.Semaphore(KEPT_AT_ONCE)

        async def keep(file: Received, header: InstanceHeader) -> Instance:
            async with turns:
                return await self._keep(file, header, kept)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(keep(one.file, one.header)) for one in readings if one.header]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [task.result() for task in tasks]

    async def _keep(self, file: Received, header: InstanceHeader, kept: list[str]) -> Instance:
        key = new_key("dicom")
        digest = await asyncio.to_thread(digest_of, file.path)
        kept.append(key)
        await self._objects.put(key, file.path)
        return _instance(file, header, digest, key)

    async def _forget_unnamed(self, house_id: uuid.UUID | None, keys: Sequence[str]) -> None:
        """Delete what no row names, after something failed: a commit may have gone through, its answer lost.

        Who still files for the establishment is waited for. Where that cannot be asked, everything stays.
        """
        if house_id is None or not keys:
            return
        try:
            async with transaction(self._sessions, SYSTEM) as session:
                await take_turn(session, house_id)
                mine = ImagingInstance.object_key.in_(keys)
                named = set(await session.scalars(select(ImagingInstance.object_key).where(mine)))
        except (SQLAlchemyError, OSError) as error:
            log.warning("receiving.objects_left", kind=type(error).__name__, number=len(keys))
            return
        await self._forget([key for key in keys if key not in named])

    async def _forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            await self._objects.delete(key)


async def _hold(settled: Collection[asyncio.Future[None]]) -> None:
    """Wait until the disk holds all of these. Raises OSError where it could not."""
    await asyncio.wait(settled)
    for one in settled:
        one.result()


def _reading(file: Received, header: Header) -> Reading:
    return Reading(file, header) if isinstance(header, InstanceHeader) else Reading(file, None, header)


def _judged(reading: Reading, study_uid: str | None) -> Reading:
    header = reading.header
    if header and study_uid not in (None, header.study_instance_uid):
        return Reading(reading.file, header, Refusal.OTHER_STUDY)
    if header and reading.file.announced not in (None, _identity_in(header)):
        return Reading(reading.file, header, Refusal.OTHER_OBJECT)
    return reading


def _keys(instances: Sequence[Instance]) -> list[str]:
    return [instance.object_key for instance in instances]


def _identity_in(header: InstanceHeader) -> tuple[str, str]:
    return header.sop_class_uid, header.sop_instance_uid


def _instance(file: Received, header: InstanceHeader, digest: Digest, key: str) -> Instance:
    name = shown_name(file.name)
    return Instance(name, header, digest.size, digest.sha256, key)


def is_dicom(path: Path) -> bool:
    """Whether the file begins as one in the DICOM file format does (PS3.10 §7.1)."""
    with path.open("rb") as opened:
        return opened.read(PREFIX + len(MARK))[PREFIX:] == MARK
