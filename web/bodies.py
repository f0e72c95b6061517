"""The one reader of request bodies: bounded, decoded strictly, refused in a sentence, never a 500."""

from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from teleconsult.errors import Invalid, TooLarge
from web.requests import FORM

FORM_LIMIT = 256 * 1024
FIELDS = 2000


async def read_form(request: web.Request) -> MultiDictProxy[str]:
    """An `application/x-www-form-urlencoded` body as text fields; read once, kept on the request.

    Raises TooLarge over 256 KiB and Invalid for what is not text (NUL, bad UTF-8, lone surrogates).
    """
    if FORM not in request:
        fields: MultiDict[str] = MultiDict()
        if request.content_type == "application/x-www-form-urlencoded":
            body = await _read(request, FORM_LIMIT)
            try:
                pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
            except (UnicodeError, ValueError) as error:
                raise Invalid({"": "The form could not be read. Reload the page and try again."}) from error
            for name, value in pairs:
                _refuse_unreadable(name + value)
                fields.add(name, value.replace("\r\n", "\n"))
        request[FORM] = MultiDictProxy(fields)
    return request[FORM]


async def read_json(request: web.Request, *, limit: int = FORM_LIMIT) -> dict[str, Any]:
    """A JSON object (RFC 8259). Raises TooLarge, or Invalid for anything else."""
    body = await _read(request, limit)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid({"": "The message could not be read."}) from error
    if not isinstance(content, dict):
        raise Invalid({"": "The message could not be read."})
    _refuse_unreadable(body.decode() if b"\\u0000" not in body else "\0")
    return content


async def _read(request: web.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise TooLarge("This is more than the form can take.")
    try:
        pieces, size = [], 0
        async for piece in request.content.iter_chunked(65536):
            size += len(piece)
            if size > limit:
                raise TooLarge("This is more than the form can take.")
            pieces.append(piece)
    except (web.HTTPException, ValueError, OSError) as error:
        raise Invalid({"": "The message could not be read."}) from error
    return b"".join(pieces)


def _refuse_unreadable(text: str) -> None:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Invalid({"": "The text holds characters that cannot be kept. Remove them and try again."})
