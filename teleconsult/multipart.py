"""A multipart body of a machine's, part by part as it arrives (RFC 2046 §5.1, RFC 2387).

A boundary counts only after CRLF and two hyphens, in whatever pieces it comes; no length that the sender tells is
believed; no more is held than one piece and a boundary.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

LONGEST_BOUNDARY: Final = 200
"""Characters. RFC 2046 §5.1.1 allows 70, and Orthanc's have 73."""
LARGEST_HEAD: Final = 8 * 1024
"""Bytes of a part's own header fields together."""
_LINE: Final = b"\r\n"
_LAST: Final = b"--"
"""After the boundary: there is no further part."""


class BrokenBody(Exception):
    """The body is no multipart of that boundary, or ends too early."""


class Parts:
    """`async for head in parts`: the header fields of each part; its content by `content()`."""

    def __init__(self, pieces: AsyncIterator[bytes], *, boundary: str) -> None:
        """Raises BrokenBody for what cannot be a boundary."""
        if not 0 < len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
            raise BrokenBody
        self._pieces, self._mark = pieces, b"\r\n--" + boundary.encode()
        self._held = bytearray(_LINE)  # the first boundary need not stand after a line
        self._is_inside = True  # of what stands before the first part, and is passed over like one

    def __aiter__(self) -> "Parts":
        return self

    async def __anext__(self) -> Mapping[str, str]:
        """The next part's header fields, their names in lower case. What is left of the part before is passed over.

        Raises BrokenBody.
        """
        if self._is_inside:
            async for _piece in self.content():
                pass
        while len(self._held) < len(_LAST):
            await self._hold_more()
        if self._held.startswith(_LAST):
            raise StopAsyncIteration
        if (await self._line()).strip(b" \t"):  # a longer boundary than ours
            raise BrokenBody
        fields, left = {}, LARGEST_HEAD
        while line := await self._line():
            left -= len(line)
            name, colon, value = line.decode("latin-1").partition(":")
            if left < 0 or not colon:
                raise BrokenBody
            fields[name.strip().lower()] = value.strip()
        self._is_inside = True
        return fields

    async def content(self) -> AsyncIterator[bytes]:
        """The part in pieces of whatever size. Raises BrokenBody where the body ends before it."""
        while (at := self._held.find(self._mark)) < 0:
            safe = len(self._held) - len(self._mark) + 1
            if safe > 0:
                yield self._taken(safe)
            await self._hold_more()
        rest = self._taken(at)
        del self._held[: len(self._mark)]
        self._is_inside = False
        if rest:
            yield rest

    def _taken(self, count: int) -> bytes:
        """The first bytes of what is held, copied once."""
        with memoryview(self._held) as held:
            taken = bytes(held[:count])
        del self._held[:count]
        return taken

    async def _line(self) -> bytes:
        while (at := self._held.find(_LINE)) < 0:
            if len(self._held) > LARGEST_HEAD:
                raise BrokenBody
            await self._hold_more()
        line = bytes(self._held[:at])
        del self._held[: at + len(_LINE)]
        return line

    async def _hold_more(self) -> None:
        piece = await anext(self._pieces, b"")
        if not piece:
            raise BrokenBody
        self._held += piece
