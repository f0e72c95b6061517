"""STOW-RS with metadata and bulk data apart (PS3.18 §10.5.1, §8.6.1): put together, then objects like any other."""

from collections.abc import AsyncGenerator
from email.message import Message
from pathlib import Path
from typing import Final

from aiohttp import web
from pydicom.uid import ExplicitVRLittleEndian

from teleconsult.imaging.assembling import LARGEST_METADATA, Bulk, assemble
from teleconsult.imaging.receiving import Arrival, Received
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.uids import is_uid
from teleconsult.multipart import BrokenBody
from web.api.accepting import DICOM_JSON
from web.arriving import LOT, arriving_parts
from web.requests import sandbox_of, settings_of

_SYNTAXES: Final = {
    "image/jpeg": "1.2.840.10008.1.2.4.50",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/jpx": "1.2.840.10008.1.2.4.92",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    "video/mp4": "1.2.840.10008.1.2.4.102",
}
"""What a media type means where it does not name its transfer syntax; any other is native (table 8.7.3-2)."""


async def assembled_lots(
    request: web.Request, *, boundary: str
) -> AsyncGenerator[tuple[list[Received], list[Arrival]], None]:
    """Files put together of what came, some at a time, and what became of instances of which none can be made.

    The files are gone when the next are asked for. Raises BrokenBody for a body without metadata, or with some that is
    none; else as `arriving_parts`.
    """
    async with arriving_parts(request, boundary=boundary) as (folder, parts):
        metadata: list[Path] = []
        bulks: dict[str, Bulk] = {}
        async for head, path in parts:
            media, syntax = _media_of(head.get("content-type", ""))
            place = head.get("content-location", "")
            if media == DICOM_JSON:
                if path is None or path.stat().st_size > LARGEST_METADATA:
                    raise BrokenBody
                metadata.append(path)
            elif place and path is not None:
                bulks.setdefault(place, Bulk(syntax, [])).paths.append(path)
            else:
                yield [], [Arrival(Refusal.TOO_LARGE if path is None else Refusal.NOT_DICOM)]
        if not metadata:
            raise BrokenBody
        for one in metadata:
            async for lot in _assembled(request, one, bulks, folder):
                yield lot


async def _assembled(
    request: web.Request, metadata: Path, bulks: dict[str, Bulk], folder: Path
) -> AsyncGenerator[tuple[list[Received], list[Arrival]], None]:
    limit = settings_of(request).upload_file_limit
    try:
        files, refused = await assemble(sandbox_of(request), metadata, bulks, folder=folder, limit=limit)
    except Unreadable as error:
        raise BrokenBody from error
    yield [], refused
    for first in range(0, len(files), LOT):
        lot = files[first : first + LOT]
        yield lot, []
        for file in lot:
            file.path.unlink()


def _media_of(written: str) -> tuple[str, str]:
    """The media type of a part, and the transfer syntax it tells."""
    message = Message()
    message["Content-Type"] = written
    media = message.get_content_type()
    named = str(message.get_param("transfer-syntax", ""))
    return media, named if is_uid(named) else _SYNTAXES.get(media, str(ExplicitVRLittleEndian))
