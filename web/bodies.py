"""The one reader of request bodies: bounded, decoded strictly, refused in a sentence, never a 500."""

from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from aiohttp.http import HttpProcessingError
from multidict import MultiDict, MultiDictProxy

from teleconsult.errors import Invalid, TooLarge
from web.requests import BODY, FORM

FORM_LIMIT = 256 * 1024
FIELDS = 2000
Form = MultiDictProxy[str]


async def hold_body(request: web.Request, *, limit: int = FORM_LIMIT) -> None:
    """Read the whole body of a form or a message now, of `limit` bytes at most. Raises as `read_form` does."""
    if BODY not in request:
        request[BODY] = await _read(request, limit)


def is_form(request: web.Request) -> bool:
    """Whether the body says that it is a form without files."""
    return request.content_type == "application/x-www-form-urlencoded"


async def read_form(request: web.Request) -> Form:
    """An `application/x-www-form-urlencoded` body as text fields; read once, kept on the request.

    No body is a form without fields. Raises TooLarge over 256 KiB and Invalid for a body of another kind and for
    what is not text (NUL, bad UTF-8, lone surrogates).
    """
    if FORM not in request:
        await hold_body(request)
        if request[BODY] and not is_form(request):
            raise unreadable_form()
        request[FORM] = MultiDictProxy(_fields_of(request[BODY]))
    return request[FORM]


async def read_json(request: web.Request) -> dict[str, Any]:
    """A JSON object (RFC 8259). Raises TooLarge, or Invalid for anything else."""
    await hold_body(request)
    try:
        content = orjson.loads(request[BODY])
    except orjson.JSONDecodeError as error:
        raise _unreadable() from error
    if not isinstance(content, dict):
        raise _unreadable()
    refuse_unreadable(request[BODY].decode() if b"\\u0000" not in request[BODY] else "\0")
    return content


def _fields_of(body: bytes) -> MultiDict[str]:
    fields: MultiDict[str] = MultiDict()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
    except (UnicodeError, ValueError) as error:
        raise unreadable_form() from error
    for name, value in pairs:
        refuse_unreadable(name + value)
        fields.add(name, value.replace("\r\n", "\n"))
    return fields


async def _read(request: web.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise _too_large()
    try:
        pieces, size = [], 0
        async for piece in request.content.iter_chunked(65536):
            size += len(piece)
            if size > limit:
                raise _too_large()
            pieces.append(piece)
    except (web.RequestPayloadError, HttpProcessingError, ValueError, OSError) as error:
        raise _unreadable() from error
    return b"".join(pieces)


def unreadable_form() -> Invalid:
    """What no page of ours would have sent."""
    return Invalid({"": "The form could not be read. Reload the page and try again."})


def _unreadable() -> Invalid:
    return Invalid({"": "The message could not be read."})


def _too_large() -> TooLarge:
    return TooLarge("This is more than the form can take.")


def refuse_unreadable(text: str) -> None:
    """Raise Invalid for what no row can hold: NUL, halves of a pair."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Invalid({"": "The text holds characters that cannot be kept. Remove them and try again."})
