"""Answers of WADO-RS: one part alone, with ranges of it, or several in a multipart (PS3.18 §8.6.1, RFC 2387)."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from teleconsult.objects import CHUNK, Objects
from web.api.accepting import MULTIPART

HEADERS: Final = {"Cache-Control": "private, max-age=3600", "Vary": "Accept, Accept-Encoding, Cookie, Authorization"}
"""What is stored never changes, but the right to see it ends."""


@dataclass(frozen=True, slots=True)
class Part:
    """One body: what it is, and how to read it from a byte up to another. `length` is None until it was read."""

    content_type: str
    length: int | None
    read: Callable[[int, int | None], AsyncIterator[bytes]]
    location: str = ""


def part_of_object(
    objects: Objects, key: str, content_type: str, *, start: int, length: int, location: str = ""
) -> Part:
    """`length` bytes of a stored object, in pieces of 1 MiB."""

    async def read(begin: int, end: int | None) -> AsyncIterator[bytes]:
        last = start + (length if end is None else end)
        for at in range(start + begin, last, CHUNK):
            yield await objects.read_range(key, at, min(CHUNK, last - at))

    return Part(content_type, length, read, location)


def part_of_bytes(content: bytes, content_type: str, *, location: str = "") -> Part:
    """Bytes that are in memory."""

    async def read(begin: int, end: int | None) -> AsyncIterator[bytes]:
        yield content[begin:end]

    return Part(content_type, len(content), read, location)


def part_to_come(load: Callable[[], Awaitable[bytes]], content_type: str, *, location: str = "") -> Part:
    """Bytes that are made when it is their turn."""

    async def read(begin: int, end: int | None) -> AsyncIterator[bytes]:
        yield (await load())[begin:end]

    return Part(content_type, None, read, location)


async def send_one(
    request: web.Request, part: Part, *, tag: str, name: str = "", headers: Mapping[str, str] = HEADERS
) -> web.StreamResponse:
    """The part alone, or the range of it that is asked for (RFC 9110 §14); `name` offers it as a file to keep."""
    assert part.length is not None
    response = web.StreamResponse(headers={**headers, "ETag": tag, "Accept-Ranges": "bytes"})
    response.headers["Content-Type"] = part.content_type
    if name:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    begin, end = 0, part.length
    if wanted := _range(request, part.length, tag):
        begin, end = wanted
        if begin >= end:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{part.length}"})
        response.set_status(206)
        response.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{part.length}"
    response.content_length = end - begin
    pieces = part.read(begin, end)
    piece = await anext(pieces, b"")  # only now is it sure that it can be read
    await response.prepare(request)
    await response.write(piece)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


class LeftOut(Exception):
    """Raised by a part that comes to nothing."""


async def send_parts(request: web.Request, parts: Sequence[Part], *, media: str, tag: str) -> web.StreamResponse:
    """A multipart of them; its length is told where that of each part is known.

    Where the first piece of one raises LeftOut it goes out without that one; without any it raises that, too.
    """
    boundary = secrets.token_hex(16)
    heads = [_head(boundary, part) for part in parts]
    end = f"\r\n--{boundary}--\r\n".encode()
    response = web.StreamResponse(headers={**HEADERS, "ETag": tag})
    response.headers["Content-Type"] = f'{MULTIPART}; type="{media}"; boundary={boundary}'
    lengths = [part.length for part in parts if part.length is not None]
    if len(lengths) == len(parts):
        response.content_length = sum(lengths) + sum(map(len, heads)) + len(end)
    for head, part in zip(heads, parts, strict=True):
        pieces = part.read(0, None)
        try:
            piece = await anext(pieces, b"")
        except LeftOut:
            continue
        if not response.prepared:  # only now is it sure that the first can be read
            await response.prepare(request)
        await response.write(head + piece)
        async for piece in pieces:
            await response.write(piece)
    if not response.prepared:
        raise LeftOut
    await response.write(end)
    await response.write_eof()
    return response


def known(request: web.Request, tag: str) -> web.Response | None:
    """The answer to a client that holds this very one already (RFC 9110 §13.1.2)."""
    if tag in (f'"{one.value}"' for one in request.if_none_match or ()):
        return web.Response(status=304, headers={**HEADERS, "ETag": tag})
    return None


def _head(boundary: str, part: Part) -> bytes:
    lines = [f"\r\n--{boundary}", f"Content-Type: {part.content_type}"]
    if part.length is not None:
        lines.append(f"Content-Length: {part.length}")
    if part.location:
        lines.append(f"Content-Location: {part.location}")
    return "\r\n".join([*lines, "", ""]).encode()


def _range(request: web.Request, length: int, tag: str) -> tuple[int, int] | None:
    """Begin and end of the one range asked for; None for the whole. Of a changed body, and for several, the whole."""
    condition = request.headers.get("If-Range")
    if "Range" not in request.headers or (condition is not None and condition != tag):
        return None
    try:
        wanted = request.http_range
    except ValueError:
        return None
    if request.headers["Range"].startswith("bytes=-") and not wanted.start:
        return length, length  # the last 0 bytes, which aiohttp takes for all of them
    begin, end, _step = wanted.indices(length)
    return begin, end
