"""Bytes that are too large for rows: DICOM files, signed PDFs. Keys are random and say nothing of what they hold."""

import asyncio
import errno
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_all
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import GenericError
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from teleconsult.errors import NotFound

if TYPE_CHECKING:
    from obstore.store import S3Config  # it is there for type checkers alone

CHUNK = 1024 * 1024
LARGE = 16 * 1024 * 1024
PART = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
"""A file over `LARGE` bytes is never wholly in memory."""
LINKED_AT_ONCE = 4
"""So many files get their names without a thread, which costs more than these."""
SYNCED_AT_ONCE = 16
"""Files that the disk is asked to hold at the same time: its journal writes down together what comes together."""
T = TypeVar("T")
_FULL: Final = f"(os error {errno.ENOSPC})"
"""The store tells the system's number in words alone."""


@dataclass(frozen=True, slots=True)
class Handed(Generic[T]):
    """A lot in its place: what was told of each by its key, and what is done once the disk holds them."""

    told: dict[str, T]
    settled: "asyncio.Future[None]"
    """Fails with the OSError of the first that could not be held."""


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
        told = urlsplit(url)
        return _s3(told) if told.scheme == "s3" and (told.username or told.query) else from_url(url)
    folder = data / "objects"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return LocalStore(folder)


def _s3(told: SplitResult) -> ObjectStore:
    """A service that speaks S3 and is not Amazon's: `s3://KEY:SECRET@bucket/prefix?endpoint=http://host:8333`."""
    more = dict(parse_qsl(told.query))
    endpoint = more.get("endpoint")
    config: S3Config = {"region": more.get("region", "us-east-1")}
    if endpoint:
        config["endpoint"] = endpoint
    if told.username:
        config["access_key_id"], config["secret_access_key"] = unquote(told.username), unquote(told.password or "")
    is_clear = bool(endpoint) and str(endpoint).startswith("http://")
    bucket, prefix = told.hostname or "", told.path.strip("/") or None
    return S3Store(bucket, prefix=prefix, config=config, client_options={"allow_http": is_clear})


class Objects:
    """Put, read, read a range, stream, delete. Every call leaves the event loop free."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        prefix = store.prefix if isinstance(store, LocalStore) else None
        self._folder = Path(prefix) if prefix else None
        self._syncing = ThreadPoolExecutor(SYNCED_AT_ONCE, thread_name_prefix="objects")
        self._led_to: set[Path] = set()
        """Folders of which the disk holds that they are there."""

    async def put(self, key: str, content: bytes | Path) -> None:
        """Write once: an object that exists is never overwritten. A large file goes in pieces, under its random key.

        Afterwards it outlives a loss of power, as the commit that names it does. Raises OSError: a full disk is ENOSPC.
        """
        try:
            if _is_large(content):
                await obstore.put_async(
                    self._store, key, content, use_multipart=True, chunk_size=PART, max_concurrency=PARTS_AT_ONCE
                )
            else:
                await obstore.put_async(self._store, key, content, mode="create", use_multipart=False)
        except GenericError as error:
            if _FULL in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
        path = self.path_of(key)
        if path is not None:  # a local store leaves that to the system, any other has answered for it
            await asyncio.to_thread(self._settle, path)

    async def hand_over(self, files: Sequence[tuple[str, Path]], look: Callable[[Path], T]) -> dict[str, T]:
        """Put a lot of files, each under its key; what `look` tells of each, in a thread, by the same keys.

        A local store keeps these very files: nobody may write to them later. Ends, even in a failure, when none of
        them is on its way any more.
        """
        handed = await self.begin_to_hand_over(files, look)
        await asyncio.wait({handed.settled})
        handed.settled.result()
        return handed.told

    async def begin_to_hand_over(
        self, files: Sequence[tuple[str, Path]], look: Callable[[Path], T], *, is_known: bool = False
    ) -> "Handed[T]":
        """As `hand_over`, but back as soon as the files were looked at: who needs them on the disk awaits `settled`.

        `is_known`: `look` reads nothing, it tells what is known.
        """
        places = [(content, self.path_of(key)) for key, content in files]
        if is_known and len(files) <= LINKED_AT_ONCE:
            found, left, syncing = self._adopt(places, look)
        else:
            found, left, syncing = await asyncio.to_thread(self._adopt, places, look)
        settled = _all_of(syncing)
        try:
            for key, content in files:
                if content in left:
                    await self.put(key, content)
        except BaseException:
            await asyncio.wait({settled})
            raise
        return Handed({key: one for (key, _content), one in zip(files, found, strict=True)}, settled)

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
            await asyncio.to_thread(self._settle, path)

    def path_of(self, key: str) -> Path | None:
        """Where the object lies when the store is a local folder; None where it is elsewhere."""
        return self._folder / key if self._folder else None

    def _adopt(
        self, files: Sequence[tuple[Path, Path | None]], look: Callable[[Path], T]
    ) -> tuple[list[T], set[Path], list["Future[None]"]]:
        """Have each file in its place, too; look at them while the disk is made to hold them; and those whose place is
        on no such disk. The folders are asked for once what they lead to is in them.
        """
        left, kept, folders = set(), [], set()
        syncing: list[Future[None]] = []
        try:
            for content, place in files:
                is_linked, is_new = _link(content, place) if place is not None else (False, False)
                if place is None or not is_linked:
                    left.add(content)
                    continue
                kept.append(place)
                folders.add(place.parent)
                if is_new:
                    self._led_to.discard(place.parent)
            syncing += [self._syncing.submit(_sync, one) for one in kept]
            syncing += [self._syncing.submit(self._sync_folder, one) for one in folders]
            found = [look(content) for content, _place in files]
        except BaseException:
            wait_for_all(syncing)
            raise
        return found, left, syncing

    def _settle(self, path: Path) -> None:
        """Have the disk itself hold the file, and what leads to it."""
        _sync(path)
        self._sync_folder(path.parent)

    def _sync_folder(self, folder: Path) -> None:
        """What is in it; and once, that it is there, and the folder of its kind."""
        _sync(folder)
        if folder not in self._led_to:
            _sync(folder.parent, folder.parent.parent)
            self._led_to.add(folder)

    async def delete(self, key: str) -> None:
        """Forget an object; it is fine when it was never there."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return


def _all_of(syncing: Sequence["Future[None]"]) -> "asyncio.Future[None]":
    """Done with the last of them, and failed where one did; this loop is woken once."""
    loop = asyncio.get_running_loop()
    settled: asyncio.Future[None] = loop.create_future()
    left, counting = len(syncing), Lock()

    def tell() -> None:
        failed = next((one.exception() for one in syncing if one.exception()), None)
        if settled.done():
            return
        if failed is None:
            settled.set_result(None)
        else:
            settled.set_exception(failed)
            settled.exception()  # whoever gave up does not ask

    def count(_one: "Future[None]") -> None:
        nonlocal left
        with counting:
            left -= 1
            is_last = not left
        if is_last:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(tell)

    for one in syncing:
        one.add_done_callback(count)
    if not syncing:
        settled.set_result(None)
    return settled


def _link(content: Path, place: Path) -> tuple[bool, bool]:
    """Whether the file has that place now, too, and whether the folder is new. A place that is taken stays as it is:
    raises FileExistsError.
    """
    is_new = False
    try:
        try:
            os.link(content, place)
        except FileNotFoundError:
            place.parent.mkdir(parents=True, exist_ok=True)
            is_new = True
            os.link(content, place)
    except FileExistsError:
        raise
    except OSError:
        return False, is_new
    return True, is_new


def _sync(*places: Path) -> None:
    for place in places:
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_large(content: bytes | Path) -> bool:
    return isinstance(content, Path) and content.stat().st_size > LARGE
