"""The files of recordings on their way from a session to where they are kept; and what a server that died left of them.

While it is written a file lies in the data folder, sealed already, under a lock that ends with its writer.
"""

import asyncio
import fcntl
import hashlib
import os
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.recording_models import Recording, RecordingEnd, RecordingFile
from teleconsult.encounters.recordings import end_recording
from teleconsult.objects import Objects, new_key, open_store
from teleconsult.sealed_files import SealedWriter, new_file_key, salvage
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings

KIND: Final = "recordings"
PURPOSE: Final = "recordings"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. `is_cut`: its end is missing."""

    seconds: float
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is being written."""

    id: uuid.UUID
    path: Path
    key: bytes
    object_key: str
    writer: SealedWriter
    lock: int
    """Held until the file is kept, also by who has closed it."""


class RecordedFiles:
    """Of one installation. `days`: how long a recording is kept after its end."""

    def __init__(self, sessions: Sessions, objects: Objects, *, secret_key: str, data: Path, days: int) -> None:
        self.sessions, self.days = sessions, days
        self._objects, self._sealer = objects, Sealer(secret_key, PURPOSE)
        self._folder = data / KIND

    @classmethod
    def of(cls, settings: Settings, sessions: Sessions) -> Self:
        """As the settings say."""
        objects = Objects(open_store(settings.objects_url, settings.data))
        return cls(sessions, objects, secret_key=settings.secret_key, data=settings.data, days=settings.recording_days)

    async def begin(
        self, recording_id: uuid.UUID, participant_id: uuid.UUID, *, what: str, kinds: Collection[str]
    ) -> OpenFile:
        """A file for what somebody sends from now on. Raises OSError where the disk takes no more."""
        id, key, object_key = uuid.uuid4(), new_file_key(), new_key(KIND)
        path = self._folder / id.hex
        writer, lock = await asyncio.to_thread(_opened, path, key, id.bytes)
        try:
            async with transaction(self.sessions, SYSTEM) as session:
                session.add(
                    RecordingFile(
                        id=id,
                        recording_id=recording_id,
                        participant_id=participant_id,
                        part=await _next_part(session, recording_id, participant_id),
                        what=what,
                        begun_at=now(),
                        sealed_key=self._sealer.seal(key),
                        object_key=object_key,
                        has_audio="audio" in kinds,
                        has_video="video" in kinds,
                    )
                )
        except BaseException:
            writer.close()
            os.close(lock)
            await asyncio.to_thread(path.unlink)
            raise
        return OpenFile(id, path, key, object_key, writer, lock)

    async def keep(self, file: OpenFile, outcome: Outcome) -> None:
        """Put a file that is closed where it stays."""
        try:
            size = file.writer.size
            if outcome.is_cut:
                size = await asyncio.to_thread(salvage, file.path, file.key, name=file.id.bytes)
            await self._keep(file.id, file.path, file.object_key, size, outcome)
        finally:
            os.close(file.lock)

    async def take_up(self) -> int:
        """Keep what a server that died left in the data folder, as cut off; how many files."""
        taken = 0
        for path in sorted(self._folder.glob("*")):
            lock = _lock(path)
            if lock is not None:
                try:
                    taken += await self._rescue(path)
                finally:
                    os.close(lock)
        return taken

    def key_of(self, file: RecordingFile) -> bytes:
        """The key of a file that is kept. Raises SealBroken."""
        return self._sealer.open(file.sealed_key or b"")

    async def _rescue(self, path: Path) -> bool:
        async with transaction(self.sessions, SYSTEM) as session:
            row = await session.get(RecordingFile, uuid.UUID(path.name))
        if row is None or row.sealed_key is None or row.object_key is None or row.ended_at is not None:
            await asyncio.to_thread(path.unlink)  # it was never begun, or is kept already
            return False
        seconds = max(0.0, (await asyncio.to_thread(path.stat)).st_mtime - row.begun_at.timestamp())
        size = await asyncio.to_thread(salvage, path, self.key_of(row), name=row.id.bytes)
        await self._keep(row.id, path, row.object_key, size, Outcome(seconds, is_cut=True))
        async with transaction(self.sessions, SYSTEM) as session:
            recording = await session.get_one(Recording, row.recording_id)
            if recording.ended_at is None:
                await end_recording(session, recording_id=recording.id, why=RecordingEnd.CUT_OFF, days=self.days)
        log.warning("recording.cut_off", file=str(row.id), bytes=size)
        return True

    async def _keep(self, id: uuid.UUID, path: Path, object_key: str, size: int, outcome: Outcome) -> None:
        try:
            digest = (await self._objects.hand_over([(object_key, path)], _digest))[object_key]
        except FileExistsError:  # it was put there, and we died before we could say so
            digest = await asyncio.to_thread(_digest, path)
        async with transaction(self.sessions, SYSTEM) as session:
            row = await session.get_one(RecordingFile, id)
            row.ended_at, row.size, row.sha256 = now(), size, digest
            row.seconds, row.is_cut = outcome.seconds, outcome.is_cut
        await asyncio.to_thread(path.unlink)


async def _next_part(session: AsyncSession, recording_id: uuid.UUID, participant_id: uuid.UUID) -> int:
    there = select(func.count()).where(
        RecordingFile.recording_id == recording_id, RecordingFile.participant_id == participant_id
    )
    return (await session.scalar(there) or 0) + 1


def _opened(path: Path, key: bytes, name: bytes) -> tuple[SealedWriter, int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    writer = SealedWriter(path, key, name=name)
    lock = os.dup(writer.descriptor)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return writer, lock


def _lock(path: Path) -> int | None:
    """The file's lock; None while somebody writes it."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
