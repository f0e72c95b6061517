"""Anyone can check a signed note: the file is read, judged and forgotten.

Machines ask the same address for JSON. What the installation knows of a note, that it was replaced or withdrawn, is
told to who holds the file or the printed code: never of whom it is.
"""

import asyncio
import json
from dataclasses import asdict
from typing import Any, Final

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from teleconsult.accounts.actor import NOBODY
from teleconsult.db import transaction
from teleconsult.errors import Invalid, TooLarge
from teleconsult.notes.standing import Standing, standing_of_code, standing_of_file
from teleconsult.notes.verdict import SIZE_LIMIT, Verdict
from web import csrf
from web.errors import wants_json
from web.i18n import gettext as _
from web.rendering import render
from web.requests import address_of, checker_of, own_transactions, sessions_of, settings_of, takes_files
from web.words import label

OVERHEAD: Final = 16 * 1024
"""What a multipart body may have around its file, in bytes."""
PIECE: Final = 256 * 1024
LONGEST_CODE: Final = 40
SILENCE_SECONDS: Final = 30
"""How long a sender may say nothing: they hold a place in the queue."""
LONGEST_SENDING_SECONDS: Final = 300
"""How long they may take in all: a note of 2 MB comes over a line of 64 kbit/s."""


@own_transactions
async def form(request: web.Request) -> web.StreamResponse:
    """The page to choose a file on; with the code printed on a note, what is known of that one."""
    code = request.query.get("code", "")[:LONGEST_CODE]
    standing = None
    if code:
        async with transaction(sessions_of(request), NOBODY) as session:
            standing = await standing_of_code(session, code)
    if wants_json(request):
        return web.json_response({"standing": _told(standing)})
    return _page(request, code=code, standing=standing)


@own_transactions
@takes_files
async def check(request: web.Request) -> web.StreamResponse:
    """The verdict on the file that was sent."""
    try:
        with checker_of(request).place(address=address_of(request)):
            verdict = await checker_of(request).check(await _read_file(request))
    except (Invalid, TooLarge) as error:
        if wants_json(request):
            raise
        fields = error.fields if isinstance(error, Invalid) else {"file": error.message}
        errors = {name: _(text) for name, text in fields.items()}
        return _page(request, status=error.status, errors=errors)
    async with transaction(sessions_of(request), NOBODY) as session:
        standing = await standing_of_file(session, verdict)
    if wants_json(request):
        return web.json_response(_judged(verdict, standing))
    return _page(request, verdict=verdict, standing=standing)


def _page(
    request: web.Request,
    *,
    status: int = 200,
    verdict: Verdict | None = None,
    standing: Standing | None = None,
    code: str = "",
    errors: dict[str, str] | None = None,
) -> web.Response:
    return render(
        request,
        "verify/show.html.jinja",
        status=status,
        verdict=verdict,
        standing=standing,
        code=code,
        errors=errors or {},
    )


def _judged(verdict: Verdict, standing: Standing | None) -> dict[str, Any]:
    """The verdict for a program: its codes, and one sentence for people."""
    told: dict[str, Any] = json.loads(verdict.to_json())
    return {**told, "says": str(label(verdict.reason)), "standing": _told(standing)}


def _told(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    told = {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in asdict(standing).items()
    }
    return {**told, "stands": standing.stands}


async def _read_file(request: web.Request) -> bytes:
    """The file of the form, in memory only.

    Raises TooLarge beyond 20 MiB, Forbidden without the form's token, Invalid for no form or no file in it.
    """
    if (request.content_length or 0) > SIZE_LIMIT + OVERHEAD:
        raise _too_large()
    if request.content_type != "multipart/form-data":
        raise _broken()
    try:
        async with asyncio.timeout(LONGEST_SENDING_SECONDS):
            content = await _file_in(request)
    except (ValueError, RuntimeError, AssertionError, HttpProcessingError, web.RequestPayloadError, OSError) as error:
        raise _broken() from error
    if content is None:
        raise Invalid({"file": "Choose the PDF file of a note."})
    return content


async def _file_in(request: web.Request) -> bytes | None:
    content = None
    body = await request.multipart()
    while (part := await body.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise _broken()
        if part.name == csrf.FIELD:
            csrf.check_field(request, settings_of(request), (await _read(part, OVERHEAD)).decode("ascii", "replace"))
        elif part.name == "file":
            csrf.check_field(request, settings_of(request), "")
            content = await _read(part, SIZE_LIMIT) if part.filename else None
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
