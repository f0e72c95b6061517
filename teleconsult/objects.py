"""Bytes that are too large for rows: DICOM files, signed PDFs. Keys are random and say nothing of what they hold."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from teleconsult.errors import NotFound

CHUNK = 1024 * 1024
LARGE = 16 * 1024 * 1024
PART = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
"""A file over `LARGE` bytes is never wholly in memory."""


def new_key(kind: str) -> str:
    """A fresh key: `kind/ab/…`, 128 random bits, spread over 256 folders."""
    name = secrets.token_hex(16)
    return f"{kind}/{name[:2]}/{name}"


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
    for place in (path, path.parent, path.parent.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_large(content: bytes | Path) -> bool:
    return isinstance(content, Path) and content.stat().st_size > LARGE
