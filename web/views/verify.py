"""Anyone can check a signed note: the file is read, judged and forgotten."""

import asyncio
from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from teleconsult.errors import Invalid, TooLarge
from teleconsult.notes.verdict import SIZE_LIMIT
from web import csrf
from web.i18n import gettext as _
from web.rendering import render
from web.requests import checker_of, own_transactions, settings_of, takes_files

OVERHEAD: Final = 16 * 1024
"""What a multipart body may have around its file, in bytes."""
PIECE: Final = 256 * 1024
SILENCE_SECONDS: Final = 30
"""How long a sender may say nothing: they hold a place in the queue."""


@own_transactions
async def form(request: web.Request) -> web.StreamResponse:
    """The page to choose a file on."""
    return render(request, "verify/show.html.jinja", verdict=None)


@own_transactions
@takes_files
async def check(request: web.Request) -> web.StreamResponse:
    """The verdict on the file that was sent."""
    try:
        with checker_of(request).place():
            verdict = await checker_of(request).check(await _read_file(request))
    except (Invalid, TooLarge) as error:
        fields = error.fields if isinstance(error, Invalid) else {"file": error.message}
        errors = {name: _(text) for name, text in fields.items()}
        return render(request, "verify/show.html.jinja", status=error.status, verdict=None, errors=errors)
    return render(request, "verify/show.html.jinja", verdict=verdict)


async def _read_file(request: web.Request) -> bytes:
    """The file of the form, in memory only.

    Raises TooLarge beyond 20 MiB, Forbidden without the form's token, Invalid for no form or no file in it.
    """
    if (request.content_length or 0) > SIZE_LIMIT + OVERHEAD:
        raise _too_large()
    if request.content_type != "multipart/form-data":
        raise _broken()
    content = None
    try:
        body = await request.multipart()
        while (part := await body.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise _broken()
            if part.name == csrf.FIELD:
                csrf.check_field(
                    request, settings_of(request), (await _read(part, OVERHEAD)).decode("ascii", "replace")
                )
            elif part.name == "file":
                csrf.check_field(request, settings_of(request), "")
                content = await _read(part, SIZE_LIMIT) if part.filename else None
    except (ValueError, RuntimeError, AssertionError, HttpProcessingError, web.RequestPayloadError, OSError) as error:
        raise _broken() from error
    if content is None:
        raise Invalid({"file": "Choose the PDF file of a note."})
    return content


async def _read(part: BodyPartReader, limit: int) -> bytes:
    pieces, size = [], 0
    while piece := await asyncio.wait_for(part.read_chunk(PIECE), SILENCE_SECONDS):
        size += len(piece)
        if size > limit:
            raise _too_large()
        pieces.append(bytes(piece))
    return b"".join(pieces)


def _too_large() -> TooLarge:
    return TooLarge("The file is larger than a signed note can be.")


def _broken() -> Invalid:
    return Invalid({"file": "The file did not arrive whole. Send it again."})
