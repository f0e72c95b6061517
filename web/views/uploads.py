"""Large files to a consult in as many requests as the link needs (tus 1.0.0: core, creation with upload, expiration,
termination; https://tus.io/protocols/resumable-upload).

Each request is looked at anew: whose it is, of which consult, whether images may still be added to it. Once whole, a
file goes in by the same door as those of the form (`images.create`): `POST …/reception` opens it and says what became
of it.
"""

import asyncio
import base64
import binascii
import errno
import os
from email.utils import format_datetime
from typing import Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from teleconsult.db import transaction
from teleconsult.errors import Conflict, Invalid, Refused, TooLarge
from teleconsult.imaging.actions import consult_to_fill
from teleconsult.imaging.archives import shown_name
from teleconsult.imaging.receiving import Received
from web import captures
from web.kept_uploads import KeptUpload, NoRoom
from web.receipts import Receipt
from web.requests import (
    KEPT_UPLOADS,
    View,
    actor_of,
    id_in,
    is_marked,
    own_transactions,
    sessions_of,
    settings_of,
)

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,expiration,termination"
PIECE: Final = 64 * 1024
SILENCE_SECONDS: Final = 20
"""A link that says nothing for so long is taken for lost: its sender finds the upload free when it comes back."""
_CONTENT: Final = "application/offset+octet-stream"
_LONGEST_NUMBER: Final = 15
_LONGEST_NAME: Final = 2000


def speaks_tus(view: View) -> View:
    """Mark a view that opens its own transactions and whose every answer says the protocol's version."""
    view.speaks_tus = True  # type: ignore[attr-defined]  # a mark on the function, read by `add_version`
    return own_transactions(view)


async def add_version(request: web.Request, response: web.StreamResponse) -> None:
    """A signal of aiohttp, so that answers made of errors have it too."""
    if is_marked(request, "speaks_tus"):
        response.headers["Tus-Resumable"] = VERSION
        if response.status == web.HTTPPreconditionFailed.status_code:
            response.headers["Tus-Version"] = VERSION


@speaks_tus
async def capabilities(request: web.Request) -> web.StreamResponse:
    """What this server can do of the protocol."""
    await _check_consult(request)
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings_of(request).upload_file_limit),
    }
    return web.Response(status=204, headers=headers)


@speaks_tus
async def create(request: web.Request) -> web.StreamResponse:
    """Begin an upload; what comes with the request is its first part."""
    await _check_consult(request)
    _check_version(request)
    length, settings = _number(request, "Upload-Length"), settings_of(request)
    told = _told_in(request.headers.get("Upload-Metadata", ""))
    subject = told.get("subject", "")
    captures.brought(subject)
    if length > settings.upload_file_limit:
        raise TooLarge("The file is larger than what can be taken.")
    upload = await asyncio.to_thread(
        request.app[KEPT_UPLOADS].begin,
        consult_id=id_in(request),
        role_id=actor_of(request).role_id,
        name=shown_name(told.get("filename", "")),
        subject=subject,
        length=length,
        limit=settings.upload_limit,
    )
    with upload.held():
        if request.content_type == _CONTENT:
            await _write(request, upload)
        answer = _answer(upload, 201)
    answer.headers["Location"] = str(
        request.app.router["uploads.show"].url_for(id=str(id_in(request)), token=upload.token)
    )
    return answer


@speaks_tus
async def show(request: web.Request) -> web.StreamResponse:
    """How much of it is here (HEAD)."""
    upload = await _upload(request)
    answer = _answer(upload, 200)
    answer.headers["Upload-Length"] = str(upload.length)
    return answer


@speaks_tus
async def add(request: web.Request) -> web.StreamResponse:
    """Go on where it stopped (PATCH). What arrives before the link breaks is kept."""
    upload = await _upload(request)
    if request.content_type != _CONTENT:
        raise web.HTTPUnsupportedMediaType
    with upload.held():
        if _number(request, "Upload-Offset") != upload.offset:
            raise Conflict("More of this file has arrived meanwhile. Ask where to go on.")
        await _write(request, upload)
        return _answer(upload, 204)


@speaks_tus
async def remove(request: web.Request) -> web.StreamResponse:
    """Give it up: what has arrived of it is thrown away."""
    upload = await _upload(request)
    with upload.held():
        await asyncio.to_thread(upload.remove)
    return web.Response(status=204)


@own_transactions
async def receive(request: web.Request) -> web.StreamResponse:
    """Take in what is whole, and say what became of each file in it. Asked again, it says the same."""
    await _check_consult(request)
    upload = _found(request)
    with upload.held():
        kept = upload.answer
        if kept is None:
            if upload.offset < upload.length:
                raise Refused("The file is not whole yet.")
            kept = await _take_in(request, upload)
    return web.json_response(Receipt(**kept).in_words())


async def _take_in(request: web.Request, upload: KeptUpload) -> dict[str, object]:
    try:
        files = [Received(upload.name, upload.bytes)]
        outcomes = await captures.take_in(request, id_in(request), files, subject=upload.subject)
    finally:
        await asyncio.to_thread(upload.tidy)
    kept = Receipt.of(outcomes).as_kept()
    await asyncio.to_thread(upload.settle, kept)
    return kept


async def _write(request: web.Request, upload: KeptUpload) -> None:
    """Append the body, piece by piece. Raises TooLarge before a byte more than was declared is kept."""
    left = upload.length - upload.offset
    if (request.content_length or 0) > left:
        raise _too_much()
    try:
        with upload.bytes.open("ab", buffering=0) as out:
            try:
                while piece := await asyncio.wait_for(request.content.read(PIECE), SILENCE_SECONDS):
                    left -= len(piece)
                    if left < 0:
                        raise _too_much()
                    await asyncio.to_thread(out.write, piece)
            finally:
                await asyncio.to_thread(os.fsync, out.fileno())
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NoRoom from error
        raise _broken() from error
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise _broken() from error


def _answer(upload: KeptUpload, status: int) -> web.Response:
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": format_datetime(upload.expires, usegmt=True),
        "Cache-Control": "no-store",
    }
    return web.Response(status=status, headers=headers)


async def _upload(request: web.Request) -> KeptUpload:
    """The upload of the address, if it is this person's and may still go on."""
    await _check_consult(request)
    upload = _found(request)
    _check_version(request)
    return upload


async def _check_consult(request: web.Request) -> None:
    async with transaction(sessions_of(request), actor_of(request)) as session:
        await consult_to_fill(session, actor_of(request), id_in(request))


def _found(request: web.Request) -> KeptUpload:
    return request.app[KEPT_UPLOADS].find(
        consult_id=id_in(request), role_id=actor_of(request).role_id, token=request.match_info["token"]
    )


def _check_version(request: web.Request) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise web.HTTPPreconditionFailed


def _number(request: web.Request, header: str) -> int:
    value = request.headers.get(header, "")
    if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER):
        raise web.HTTPBadRequest
    return int(value)


def _told_in(metadata: str) -> dict[str, str]:
    """Upload-Metadata: keys and Base64 values, separated by commas."""
    pairs = (pair.strip().partition(" ") for pair in metadata.split(","))
    try:
        return {
            key: base64.b64decode(value[:_LONGEST_NAME], validate=True).decode("utf-8", "replace")
            for key, _blank, value in pairs
        }
    except (binascii.Error, ValueError) as error:
        raise web.HTTPBadRequest from error


def _too_much() -> TooLarge:
    return TooLarge("This is more than was announced.")


def _broken() -> Invalid:
    return Invalid({"": "The files did not arrive whole. Send them again."})
