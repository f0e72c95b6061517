"""What a machine sends in one long body, put on the disk in lots that are dealt with while the rest still arrives."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from teleconsult.imaging.digests import Digest
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import Refusal
from teleconsult.multipart import BrokenBody, Parts
from web.requests import settings_of
from web.uploads import SILENCE_SECONDS, temporary_folder, too_large

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

MIB: Final = 1024 * 1024
LOT: Final = 50
LOT_BYTES: Final = 64 * MIB
"""A lot is full with that many files, or once it holds that many bytes: it costs one transaction, and that disk."""
MOST_PARTS: Final = 5000


@dataclass(slots=True)
class Lot:
    """Files that arrived whole, and why other parts were not even kept so long."""

    files: list[Received] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is to be dealt with before more is read."""
        return len(self.files) >= LOT or self.size >= LOT_BYTES


@asynccontextmanager
async def arriving_lots(request: web.Request, *, boundary: str, media: str) -> AsyncIterator[AsyncIterator[Lot]]:
    """The parts of that media type, lot by lot; the files of one are gone when the next is asked for.

    While reading, raises TooLarge for a body over the limit of the settings or of more than `MOST_PARTS` parts,
    HTTPRequestTimeout where nothing comes for a minute, BrokenBody where it breaks off.
    """
    async with temporary_folder(settings_of(request)) as folder:
        yield _lots(request, folder, Parts(_pieces(request), boundary=boundary), media)


@asynccontextmanager
async def arriving_parts(
    request: web.Request, *, boundary: str
) -> AsyncIterator[tuple[Path, AsyncIterator[tuple[Mapping[str, str], Path | None]]]]:
    """A folder, gone at the end of the block, and the parts as they come into it: each its header fields, and its file;
    None of one that is larger than a file may be. Raises as `arriving_lots`.
    """
    async with temporary_folder(settings_of(request)) as folder:
        yield folder, _files(request, folder, Parts(_pieces(request), boundary=boundary))


async def _files(
    request: web.Request, folder: Path, parts: Parts
) -> AsyncIterator[tuple[Mapping[str, str], Path | None]]:
    count = 0
    async for head in parts:
        count += 1
        if count > MOST_PARTS:
            raise too_large()
        path = folder / str(count)
        digest = await _write(parts, path, limit=settings_of(request).upload_file_limit)
        if digest is None:
            path.unlink()
        yield head, None if digest is None else path


async def _lots(request: web.Request, folder: Path, parts: Parts, media: str) -> AsyncIterator[Lot]:
    count, lot = 0, Lot()
    async for head in parts:
        count += 1
        if count > MOST_PARTS:
            raise too_large()
        if head.get("content-type", media).partition(";")[0].strip().lower() != media:
            lot.refused.append(Refusal.NOT_DICOM)
            continue
        path = folder / str(count)
        digest = await _write(parts, path, limit=settings_of(request).upload_file_limit)
        if digest is None:
            path.unlink()
            lot.refused.append(Refusal.TOO_LARGE)
            continue
        lot.files.append(Received(path.name, path, is_given=True, digest=digest))
        lot.size += digest.size
        if lot.is_full:
            yield lot
            _forget(lot)
            lot = Lot()
    yield lot
    _forget(lot)


def _forget(lot: Lot) -> None:
    """No thread: what was kept has another name by now, and taking one away costs less."""
    for file in lot.files:
        file.path.unlink()


async def _write(parts: Parts, path: Path, *, limit: int) -> Digest | None:
    """Of the bytes that were written; None as soon as they are more than one file may have."""
    size, held = 0, 0
    pieces: list[bytes] = []
    told = sha256()
    with path.open("wb", buffering=0) as out:
        async for piece in parts.content():
            size, held = size + len(piece), held + len(piece)
            if size > limit:
                return None
            pieces.append(piece)
            if held >= MIB:
                await asyncio.to_thread(_write_all, out, pieces, told)
                pieces, held = [], 0
        await asyncio.to_thread(_write_all, out, pieces, told)
    return Digest(size, told.digest())


def _write_all(out: FileIO, pieces: Sequence[bytes], told: "Hash") -> None:
    for piece in pieces:
        told.update(piece)
        left = memoryview(piece)
        while left:
            left = left[out.write(left) or 0 :]


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    """The body as the connection gives it. Whatever length was announced, what counts is what comes."""
    left = settings_of(request).upload_limit
    try:
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                piece = await request.content.readany()
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                raise too_large()
            yield piece
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise BrokenBody from error
