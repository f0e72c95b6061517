"""Bytes that are too large for rows: DICOM files, signed PDFs. Keys are random and say nothing of what they hold."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from teleconsult.errors import NotFound

CHUNK = 1024 * 1024
LARGE = 16 * 1024 * 1024
PART = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
"""A file over `LARGE` bytes is never wholly in memory."""
FILES_AT_ONCE = 4
"""Of a lot: while the disk writes one, others are on their way."""
T = TypeVar("T")


def new_key(kind: str) -> str:
    """A fresh key: `kind/ab/…`, 128 random bits, spread over 256 folders."""
    return new_keys(kind, 1)[0]


def new_keys(kind: str, number: int) -> list[str]:
    """Fresh keys for a lot, in one of those folders: the disk is asked for it once."""
    folder = secrets.token_hex(1)
    return [f"{kind}/{folder}/{secrets.token_hex(16)}" for _key in range(number)]


def open_store(url: str | None, data: Path) -> ObjectStore:
    """The configured store (S3, Azure, GCS, `file://`), or a folder under the data folder, closed to other users."""
    if url:
        return from_url(url)
    folder = data / "objects"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return LocalStore(folder)


class Objects:
    """Put, read, read a range, stream, delete. Every call leaves the event loop free."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, content: bytes | Path) -> None:
        """Write once: an object that exists is never overwritten. A large file goes in pieces, under its random key.

        Afterwards it outlives a loss of power, as the commit that names it does.
        """
        if _is_large(content):
            await obstore.put_async(
                self._store, key, content, use_multipart=True, chunk_size=PART, max_concurrency=PARTS_AT_ONCE
            )
        else:
            await obstore.put_async(self._store, key, content, mode="create", use_multipart=False)
        path = self.path_of(key)
        if path is not None:  # a local store leaves that to the system, any other has answered for it
            await asyncio.to_thread(_settle, path)

    async def hand_over(self, files: Sequence[tuple[str, Path]], look: Callable[[Path], T]) -> dict[str, T]:
        """Put a lot of files, each under its key; what `look` tells of each, in a thread, by the same keys.

        A local store keeps these very files: nobody may write to them later. Ends, even in a failure, when none of
        them is on its way any more.
        """
        shares = [files[first::FILES_AT_ONCE] for first in range(min(FILES_AT_ONCE, len(files)))]
        told = await asyncio.gather(*(self._hand_over(share, look) for share in shares), return_exceptions=True)
        found: dict[str, T] = {}
        for one in told:
            if isinstance(one, BaseException):
                raise one
            found |= one
        return found

    async def _hand_over(self, files: Sequence[tuple[str, Path]], look: Callable[[Path], T]) -> dict[str, T]:
        places = [(content, self.path_of(key)) for key, content in files]
        found, left = await asyncio.to_thread(_adopt, places, look)
        for key, content in files:
            if content in left:
                await self.put(key, content)
        return {key: one for (key, _content), one in zip(files, found, strict=True)}

    async def size_of(self, key: str) -> int | None:
        """Bytes of an object; None where there is none."""
        path = self.path_of(key)
        try:
            if path is not None:
                return path.stat().st_size
            return int((await obstore.head_async(self._store, key))["size"])
        except FileNotFoundError:
            return None

    async def get(self, key: str) -> bytes:
        """All bytes of a small object. Raises NotFound."""
        try:
            return bytes(await (await obstore.get_async(self._store, key)).bytes_async())
        except FileNotFoundError as error:
            raise NotFound from error

    async def read_range(self, key: str, start: int, length: int) -> bytes:
        """`length` bytes from offset `start`. Raises NotFound."""
        try:
            return bytes(await obstore.get_range_async(self._store, key, start=start, length=length))
        except FileNotFoundError as error:
            raise NotFound from error

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object in pieces of about 1 MiB. Raises NotFound."""
        try:
            answer = await obstore.get_async(self._store, key)
        except FileNotFoundError as error:
            raise NotFound from error
        async for piece in answer.stream(min_chunk_size=CHUNK):
            yield bytes(piece)

    async def copy(self, key: str, other: str) -> None:
        """Put the same bytes under another key, which must not be taken. Raises NotFound."""
        try:
            await obstore.copy_async(self._store, key, other, overwrite=False)
        except FileNotFoundError as error:
            raise NotFound from error
        path = self.path_of(other)
        if path is not None:
            await asyncio.to_thread(_settle, path)

    def path_of(self, key: str) -> Path | None:
        """Where the object lies when the store is a local folder; None where it is elsewhere."""
        prefix = self._store.prefix if isinstance(self._store, LocalStore) else None
        return Path(prefix) / key if prefix else None

    async def delete(self, key: str) -> None:
        """Forget an object; it is fine when it was never there."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return


def _settle(path: Path) -> None:
    """Have the disk itself hold the file, and the two folders that lead to it."""
    _sync(path, path.parent, path.parent.parent)


def _adopt(files: Sequence[tuple[Path, Path | None]], look: Callable[[Path], T]) -> tuple[list[T], set[Path]]:
    """Look at the files, have each in its place too, and the disk hold it; and those whose place is on no such disk.

    A place that is taken stays as it is: raises FileExistsError.
    """
    found, left, folders = [], set(), set()
    for content, place in files:
        found.append(look(content))
        if place is None or not _link(content, place):
            left.add(content)
            continue
        _sync(place)
        folders |= {place.parent, place.parent.parent}
    _sync(*folders)
    return found, left


def _link(content: Path, place: Path) -> bool:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(content, place)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def _sync(*places: Path) -> None:
    for place in places:
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_large(content: bytes | Path) -> bool:
    return isinstance(content, Path) and content.stat().st_size > LARGE
