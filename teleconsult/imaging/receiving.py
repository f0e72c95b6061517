"""Files as they arrive: opened where they are archives, read in the sandbox, kept, and stored in one transaction."""

import asyncio
import hashlib
import uuid
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.actions import Instance, Outcome, store_instances
from teleconsult.imaging.archives import MOST_ENTRIES, MOST_INFLATED, Entry, extract, shown_name
from teleconsult.imaging.arriving import take_arrived
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, new_key

HEADER_SECONDS = 5
KEPT_AT_ONCE = 2
_ARCHIVE = b"PK\x03\x04"
_EMPTY_ARCHIVE = b"PK\x05\x06"
_PREFIX = 128
_MARK = b"DICM"


@dataclass(frozen=True, slots=True)
class Received:
    """A file in our temporary folder, and the name its sender gave it, which is only ever shown."""

    name: str
    path: Path
    announced: tuple[str, str] | None = None
    """The SOP class and instance its sender said it is, where the door has senders say so: it must be that."""


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

    async def receive(self, actor: Actor, *, consult_id: uuid.UUID, files: Sequence[Received]) -> list[Outcome]:
        """Store what can be stored, in one transaction; the outcome of every file, those of archives one by one.

        The caller removes the files. Raises NotFound, Forbidden and Refused as `store_instances` does; then, as
        after any failure, nothing stays behind.
        """
        room = _Room(self._inflated_limit)
        readings = [reading for file in files async for reading in self._read(file, room)]
        refused = [Outcome(reading.file.name, reading.refusal) for reading in readings if reading.refusal]

        async def store(instances: Sequence[Instance]) -> list[Outcome]:
            async with transaction(self._sessions, actor) as session:
                return await store_instances(session, actor, consult_id=consult_id, instances=instances)

        return [*await self._store(readings, store), *refused]

    async def receive_arrived(
        self, actor: Actor, *, files: Sequence[Received], study_uid: str | None = None
    ) -> list[Arrival]:
        """Store what a machine sent for its establishment, in one transaction; what became of each file, in order.

        With `study_uid`, what is of another study is refused. The caller removes the files. Raises as `take_arrived`;
        then, as after any failure, nothing stays behind.
        """
        readings = await asyncio.gather(*(self._read_arrived(file, study_uid) for file in files))

        async def store(instances: Sequence[Instance]) -> list[Outcome]:
            async with transaction(self._sessions, SYSTEM) as session:
                return await take_arrived(session, actor, instances=instances)

        stored = iter(await self._store([reading for reading in readings if not reading.refusal], store))
        return [Arrival.of(reading.header, reading.refusal or next(stored).refusal) for reading in readings]

    async def _store(
        self, readings: Sequence[Reading], store: Callable[[Sequence[Instance]], Awaitable[list[Outcome]]]
    ) -> list[Outcome]:
        kept: list[str] = []
        try:
            instances = await self._keep_all(readings, kept)
            stored = await store(instances)
            used = {outcome.object_key for outcome in stored}
        except BaseException:
            await self._forget(kept)
            raise
        await self._forget([key for key in kept if key not in used])
        return stored

    async def _read_arrived(self, file: Received, study_uid: str | None) -> Reading:
        with file.path.open("rb") as opened:
            if opened.read(_PREFIX + len(_MARK))[_PREFIX:] != _MARK:  # many small things cost no worker
                return Reading(file, None, Refusal.NOT_DICOM)
        reading = await self._read_instance(file)
        if reading.header and study_uid not in (None, reading.header.study_instance_uid):
            return Reading(file, reading.header, Refusal.OTHER_STUDY)
        if reading.header and file.announced not in (None, _identity_in(reading.header)):
            return Reading(file, reading.header, Refusal.OTHER_OBJECT)
        return reading

    async def _read(self, file: Received, room: _Room) -> AsyncIterator[Reading]:
        with file.path.open("rb") as opened:
            start = opened.read(len(_ARCHIVE))
        if start in (_ARCHIVE, _EMPTY_ARCHIVE):
            async for reading in self._read_archive(file, room):
                yield reading
        else:
            yield await self._read_instance(file)

    async def _read_instance(self, file: Received) -> Reading:
        try:
            answer = await self._sandbox.ask("header", file.path, seconds=HEADER_SECONDS)
        except Unreadable as error:
            return Reading(file, None, error.refusal)
        return Reading(file, InstanceHeader.unpacked(answer.head, answer.body))

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
        sha256 = await asyncio.to_thread(_sha256, file.path)
        kept.append(key)
        await self._objects.put(key, file.path)
        return Instance(shown_name(file.name), header, file.path.stat().st_size, sha256, key)

    async def _forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            await self._objects.delete(key)


def _identity_in(header: InstanceHeader) -> tuple[str, str]:
    return header.sop_class_uid, header.sop_instance_uid


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
