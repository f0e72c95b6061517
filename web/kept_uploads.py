"""Files that arrive in several requests (tus 1.0.0), kept on the disk from their first byte on.

What lies in the folder is all there is: a restart loses nothing, and server processes over one data folder see the
same. A folder is named by its consult, its sender's role and a secret: `tmp/kept/{consult}/{role}/{token}`.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from teleconsult.errors import NotFound, TeleconsultError, TooLarge, TooMany

MOST_OPEN: Final = 20
"""Uploads of one person that are not whole yet."""
KEPT_SECONDS: Final = 24 * 3600
IDLE_SECONDS: Final = 600
"""Untouched for so long, an upload gives way to a new one of the same person when there are too many."""
SWEEP_SECONDS: Final = 3600
_TOKEN_BYTES: Final = 24
_TOKEN_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_DECLARED, _BYTES, _ANSWER = "declared.json", "bytes", "answer.json"


class Busy(TeleconsultError):
    """Another request is writing or reading the same upload."""

    status = 423

    def __init__(self, message: str = "This file is still being received. Try again in a moment.") -> None:
        super().__init__(message)


class NoRoom(TeleconsultError):
    """The disk is full."""

    status = 507

    def __init__(self, message: str = "There is no room left for files. Tell the administrator.") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class KeptUpload:
    """One file on its way: `length` bytes were declared, under a name that is only ever shown."""

    folder: Path
    name: str
    length: int
    subject: str = ""
    """What is kept of what its sender says of it: what it shows, who agreed to it."""

    @property
    def token(self) -> str:
        """The secret part of its address."""
        return self.folder.name

    @property
    def bytes(self) -> Path:
        """What has arrived."""
        return self.folder / _BYTES

    @property
    def answer(self) -> dict[str, Any] | None:
        """What became of the file once it was whole; None before."""
        try:
            content: dict[str, Any] = orjson.loads((self.folder / _ANSWER).read_bytes())
        except FileNotFoundError:
            return None
        return content

    @property
    def offset(self) -> int:
        """How many bytes are here."""
        try:
            return self.bytes.stat().st_size
        except FileNotFoundError:  # the file was taken in, and its bytes are no longer needed
            return self.length

    @property
    def touched(self) -> float:
        """When something last arrived, in seconds since 1970."""
        for name in (_BYTES, _ANSWER):
            with suppress(FileNotFoundError):
                return (self.folder / name).stat().st_mtime
        return 0.0

    @property
    def expires(self) -> datetime:
        """When it will be thrown away unless more arrives."""
        return datetime.fromtimestamp(self.touched + KEPT_SECONDS, UTC)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Alone with this upload, among all processes. Raises Busy, or NotFound where it has just been removed."""
        try:
            file = (self.folder / _DECLARED).open("rb")
        except FileNotFoundError as error:
            raise NotFound from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Busy from error
            if not os.fstat(file.fileno()).st_nlink:
                raise NotFound
            yield

    def settle(self, answer: dict[str, Any]) -> None:
        """Keep what became of the file, and let its bytes go."""
        draft = self.folder / f"{_ANSWER}.new"
        draft.write_bytes(orjson.dumps(answer))
        draft.replace(self.folder / _ANSWER)
        self.bytes.unlink()

    def tidy(self) -> None:
        """Remove what was unpacked beside the file."""
        for path in self.folder.glob(f"{_BYTES}-*"):
            path.unlink()

    def remove(self) -> None:
        """Throw all of it away."""
        shutil.rmtree(self.folder, ignore_errors=True)


class KeptUploads:
    """All of them, below the data folder."""

    def __init__(self, data: Path) -> None:
        self._root = data / "tmp" / "kept"

    def begin(
        self,
        *,
        consult_id: uuid.UUID,
        role_id: uuid.UUID | None,
        name: str,
        length: int,
        limit: int,
        subject: str = "",
    ) -> KeptUpload:
        """A place for `length` bytes, where what this person has open stays within `limit` bytes in all.

        Raises TooMany; TooLarge for what would never fit.
        """
        if length > limit:
            raise TooLarge("The file is larger than what can be taken.")
        self._make_room(role_id, length, limit)
        folder = self._root / str(consult_id) / str(role_id) / secrets.token_urlsafe(_TOKEN_BYTES)
        try:
            folder.mkdir(parents=True)
            (folder / _BYTES).touch()
            (folder / _DECLARED).write_bytes(orjson.dumps({"name": name, "length": length, "subject": subject}))
        except OSError:  # no room
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return KeptUpload(folder, name, length, subject)

    def find(self, *, consult_id: uuid.UUID, role_id: uuid.UUID | None, token: str) -> KeptUpload:
        """Raises NotFound for what is not this person's, not for this consult, or no longer kept."""
        if not _TOKEN_LETTERS.issuperset(token):
            raise NotFound
        upload = _opened(self._root / str(consult_id) / str(role_id) / (token or "-"))
        if upload is None or _is_over(upload.touched):
            raise NotFound
        return upload

    def forget_answers(self, consult_id: uuid.UUID) -> None:
        """Images of this consult were removed: the same files sent once more are no longer files that are here."""
        for answer in self._root.glob(f"{consult_id}/*/*/{_ANSWER}"):
            shutil.rmtree(answer.parent, ignore_errors=True)

    def sweep(self) -> None:
        """Throw away what nobody went on with for a day."""
        for folder in self._root.glob("*/*/*"):
            upload = _opened(folder)  # None while it is being begun
            if _is_over(upload.touched if upload else folder.stat().st_mtime):
                shutil.rmtree(folder, ignore_errors=True)
        for folder in (*self._root.glob("*/*"), *self._root.glob("*")):
            with suppress(OSError):  # another upload lies in it
                folder.rmdir()

    def _make_room(self, role_id: uuid.UUID | None, length: int, limit: int) -> None:
        found = [_opened(path.parent) for path in self._root.glob(f"*/{role_id}/*/{_BYTES}")]
        uploads = sorted((upload for upload in found if upload), key=lambda upload: -upload.touched)
        while len(uploads) >= MOST_OPEN or sum(upload.length for upload in uploads) + length > limit:
            oldest = uploads.pop()
            if oldest.touched > time.time() - IDLE_SECONDS:
                raise TooMany(
                    "Too many files are on their way. Let them arrive, or cancel them.", retry_after=IDLE_SECONDS
                )
            oldest.remove()


@asynccontextmanager
async def swept(uploads: KeptUploads) -> AsyncIterator[None]:
    """While the block runs, what is over goes: at once, and then every hour."""

    async def hourly() -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await asyncio.to_thread(uploads.sweep)

    await asyncio.to_thread(uploads.sweep)
    task = asyncio.create_task(hourly())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _opened(folder: Path) -> KeptUpload | None:
    try:
        return KeptUpload(folder, **orjson.loads((folder / _DECLARED).read_bytes()))
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):  # or it was cut off as it began
        return None


def _is_over(touched: float) -> bool:
    return touched < time.time() - KEPT_SECONDS
