"""Files of a multipart body, written to a temporary folder as they arrive and never held in memory (RFC 7578)."""

import asyncio
import errno
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from teleconsult.errors import Invalid, TooLarge, Unavailable
from teleconsult.imaging.archives import shown_name
from teleconsult.imaging.receiving import Received
from teleconsult.settings import Settings
from web import csrf
from web.bodies import refuse_unreadable
from web.requests import settings_of

PIECE: Final = 256 * 1024
FIELD_LIMIT: Final = 1024
MOST_FILES: Final = 5000
SILENCE_SECONDS: Final = 60
"""How long a sender may say nothing. An upload may take hours, as long as it goes on."""
ABANDONED_SECONDS: Final = 24 * 3600


@asynccontextmanager
async def uploaded_files(request: web.Request, *, name: str, limit: int | None = None) -> AsyncIterator[list[Received]]:
    """The files sent as `name`, for as long as the block runs, as `uploaded_form` has them."""
    async with uploaded_form(request, name=name, limit=limit) as (files, _fields):
        yield files


@asynccontextmanager
async def uploaded_form(
    request: web.Request, *, name: str, fields: Collection[str] = (), limit: int | None = None
) -> AsyncIterator[tuple[list[Received], dict[str, str]]]:
    """The files sent as `name` for as long as the block runs (then they are gone, whatever happened), and those of
    `fields` that were sent with them.

    `limit`, in bytes of the whole body, narrows the one of the settings.

    Raises TooLarge by the announced length before anything is read, or as soon as a limit is passed; Forbidden
    without the form's token; Invalid for a body that is no form or breaks off; Unavailable without room on the disk.
    """
    settings = settings_of(request)
    most = min(limit or settings.upload_limit, settings.upload_limit)
    if (request.content_length or 0) > most:
        raise too_large()
    if request.content_type != "multipart/form-data":
        raise Invalid({"": "Choose the files to send."})
    async with temporary_folder(settings) as folder:
        reading = _Reading(request, settings, folder, most, fields)
        yield await reading.files(name), reading.fields


@asynccontextmanager
async def temporary_folder(settings: Settings) -> AsyncIterator[Path]:
    """A folder for what arrives, gone with all that is in it when the block ends."""
    parent = settings.data / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="upload-", dir=parent))  # no thread: these cost less than one
    try:
        yield folder
    finally:
        if not _removed(folder):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _removed(folder: Path) -> bool:
    """Whether nothing was in it any more, and it is gone."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def sweep_uploads(data: Path) -> None:
    """Remove what uploads left behind whose process was killed: folders nobody has touched for a day."""
    for folder in (data / "tmp").glob("upload-*"):
        if folder.stat().st_mtime < time.time() - ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def too_large() -> TooLarge:
    """More than one upload may hold."""
    return TooLarge("This is more than one upload can take. Send it in several parts.")


class _Reading:
    """One body on its way in."""

    def __init__(
        self, request: web.Request, settings: Settings, folder: Path, limit: int, fields: Collection[str]
    ) -> None:
        self._request, self._settings, self._folder = request, settings, folder
        self._left, self._wanted = limit, frozenset(fields)
        self.fields: dict[str, str] = {}

    async def files(self, name: str) -> list[Received]:
        try:
            return [file async for file in self._files(name)]
        except TimeoutError as error:
            raise Invalid({"": "The files stopped coming. Check the connection and send them again."}) from error
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise Unavailable("There is no room left for files. Tell the administrator.") from error
            raise broken() from error
        except (ValueError, RuntimeError, AssertionError, HttpProcessingError, web.RequestPayloadError) as error:
            raise broken() from error

    async def _files(self, name: str) -> AsyncIterator[Received]:
        count = 0
        body = await self._request.multipart()
        while (part := await asyncio.wait_for(body.next(), SILENCE_SECONDS)) is not None:
            if isinstance(part, MultipartReader) or part.name not in {name, csrf.FIELD, *self._wanted}:
                raise broken()
            if part.name == csrf.FIELD:
                token = (await self._field(part)).decode("ascii", "replace")
                csrf.check_field(self._request, self._settings, token)
                continue
            csrf.check_field(self._request, self._settings, "")
            if part.name in self._wanted:
                text = (await self._field(part)).decode()
                refuse_unreadable(text)
                self.fields[str(part.name)] = text
                continue
            if not part.filename:
                continue  # what a browser sends for an input without a choice
            count += 1
            if count > MOST_FILES:
                raise TooLarge("These are too many files for one upload. Send them as a ZIP archive.")
            path = self._folder / str(count)
            await self._write(part, path)
            yield Received(shown_name(part.filename), path)

    async def _field(self, part: BodyPartReader) -> bytes:
        value = b""
        async for piece in self._pieces(part):
            value += piece
            if len(value) > FIELD_LIMIT:
                raise broken()
        return value

    async def _write(self, part: BodyPartReader, path: Path) -> None:
        size = 0
        with path.open("wb") as out:
            async for piece in self._pieces(part):
                size += len(piece)
                self._left -= len(piece)
                if self._left < 0 or size > self._settings.upload_file_limit:
                    raise too_large()
                await asyncio.to_thread(out.write, piece)

    async def _pieces(self, part: BodyPartReader) -> AsyncIterator[bytes]:
        while piece := await asyncio.wait_for(part.read_chunk(PIECE), SILENCE_SECONDS):
            yield bytes(piece)


def broken() -> Invalid:
    """A body that is no form, or that broke off."""
    return Invalid({"": "The files did not arrive whole. Send them again."})
