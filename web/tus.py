"""Large files in as many requests as the link needs (tus 1.0.0: core, creation with upload, expiration, termination;
https://tus.io/protocols/resumable-upload).

Each request is looked at anew: whose it is, of which consult, whether files may still be brought there. Once whole,
`POST …/reception` opens the file and says what became of it. A `Landing` says all of this for one kind of file.
"""

import asyncio
import base64
import binascii
import errno
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any, Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from teleconsult.errors import Conflict, Invalid, Refused, TooLarge
from teleconsult.imaging.archives import shown_name
from teleconsult.settings import Settings
from web.kept_uploads import KeptUpload, NoRoom
from web.requests import KEPT_UPLOADS, View, is_marked, own_transactions, settings_of

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,expiration,termination"
PIECE: Final = 64 * 1024
SILENCE_SECONDS: Final = 20
"""A link that says nothing for so long is taken for lost: its sender finds the upload free when it comes back."""
_CONTENT: Final = "application/offset+octet-stream"
_LONGEST_NUMBER: Final = 15
_LONGEST_NAME: Final = 2000


@dataclass(frozen=True, slots=True)
class Whose:
    """To which consult an upload goes, and who sends it: a role, or a seat in its session."""

    consult_id: uuid.UUID
    sender_id: uuid.UUID | None


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


class Landing:
    """Where files of one kind arrive. What is its own stands in the methods that raise NotImplementedError."""

    def __init__(self, route: str) -> None:
        """`route` is the name of the route at which an upload is asked for how much of it is here."""
        self._route = route

    async def whose(self, request: web.Request) -> Whose:
        """Who sends, and where to. Raises NotFound, Forbidden, Refused for who may not, or not now."""
        raise NotImplementedError

    def largest(self, settings: Settings) -> int:
        """Bytes of one file."""
        raise NotImplementedError

    def said(self, told: Mapping[str, str]) -> str:
        """What of what its sender tells of a file (Upload-Metadata) is kept with it. Raises Invalid."""
        return ""

    async def take_in(self, request: web.Request, whose: Whose, upload: KeptUpload) -> dict[str, Any]:
        """Open a file that is whole; what became of it, for JSON, in no language yet."""
        raise NotImplementedError

    def in_words(self, request: web.Request, kept: dict[str, Any]) -> dict[str, Any]:
        """What became of it, in the reader's language."""
        raise NotImplementedError

    @speaks_tus
    async def capabilities(self, request: web.Request) -> web.StreamResponse:
        """What this server can do of the protocol."""
        await self.whose(request)
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(self.largest(settings_of(request))),
        }
        return web.Response(status=204, headers=headers)

    @speaks_tus
    async def create(self, request: web.Request) -> web.StreamResponse:
        """Begin an upload; what comes with the request is its first part."""
        whose = await self.whose(request)
        _check_version(request)
        length, settings = _number(request, "Upload-Length"), settings_of(request)
        told = _told_in(request.headers.get("Upload-Metadata", ""))
        said = self.said(told)
        if length > self.largest(settings):
            raise TooLarge("The file is larger than what can be taken.")
        upload = await asyncio.to_thread(
            request.app[KEPT_UPLOADS].begin,
            consult_id=whose.consult_id,
            role_id=whose.sender_id,
            name=shown_name(told.get("filename", "")),
            subject=said,
            length=length,
            limit=settings.upload_limit,
        )
        with upload.held():
            if request.content_type == _CONTENT:
                await _write(request, upload)
            answer = _answer(upload, 201)
        here = {**request.match_info, "token": upload.token}
        answer.headers["Location"] = str(request.app.router[self._route].url_for(**here))
        return answer

    @speaks_tus
    async def show(self, request: web.Request) -> web.StreamResponse:
        """How much of it is here (HEAD)."""
        upload = await self._upload(request)
        answer = _answer(upload, 200)
        answer.headers["Upload-Length"] = str(upload.length)
        return answer

    @speaks_tus
    async def add(self, request: web.Request) -> web.StreamResponse:
        """Go on where it stopped (PATCH). What arrives before the link breaks is kept."""
        upload = await self._upload(request)
        if request.content_type != _CONTENT:
            raise web.HTTPUnsupportedMediaType
        with upload.held():
            if _number(request, "Upload-Offset") != upload.offset:
                raise Conflict("More of this file has arrived meanwhile. Ask where to go on.")
            await _write(request, upload)
            return _answer(upload, 204)

    @speaks_tus
    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Give it up: what has arrived of it is thrown away."""
        upload = await self._upload(request)
        with upload.held():
            await asyncio.to_thread(upload.remove)
        return web.Response(status=204)

    @own_transactions
    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Take in what is whole, and say what became of it. Asked again, it says the same."""
        whose = await self.whose(request)
        upload = _found(request, whose)
        with upload.held():
            kept = upload.answer
            if kept is None:
                if upload.offset < upload.length:
                    raise Refused("The file is not whole yet.")
                try:
                    kept = await self.take_in(request, whose, upload)
                finally:
                    await asyncio.to_thread(upload.tidy)
                await asyncio.to_thread(upload.settle, kept)
        return web.json_response(self.in_words(request, kept))

    async def _upload(self, request: web.Request) -> KeptUpload:
        """The upload of the address, if it is this person's and may still go on."""
        upload = _found(request, await self.whose(request))
        _check_version(request)
        return upload


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


def _found(request: web.Request, whose: Whose) -> KeptUpload:
    return request.app[KEPT_UPLOADS].find(
        consult_id=whose.consult_id, role_id=whose.sender_id, token=request.match_info["token"]
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
