"""Protocol data units as they go over the line (PS3.8 §9.3), each bounded by its type before a byte of it is kept."""

import asyncio
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

KIB: Final = 1024
LONGEST_DATA: Final = 128 * KIB
"""Of one P-DATA-TF, as we tell the other side (PS3.8 Annex D.1)."""


class Kind(IntEnum):
    """The PDU types (PS3.8 table 9-11 and on)."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    DATA = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


LONGEST: Final = {
    Kind.ASSOCIATE_RQ: 256 * KIB,  # 128 contexts with all syntaxes there are
    Kind.DATA: LONGEST_DATA,
    Kind.RELEASE_RQ: 4,
    Kind.ABORT: 4,
}
"""Bytes after the header, of what may come to us at all."""
LONGEST_OF_CALLED: Final = {
    Kind.ASSOCIATE_AC: 64 * KIB,
    Kind.ASSOCIATE_RJ: 4,
    Kind.DATA: LONGEST_DATA,
    Kind.RELEASE_RP: 4,
    Kind.ABORT: 4,
}
"""The same of what comes from those whom we asked for an association."""

_HEADER: Final = struct.Struct(">BxL")
_PDV: Final = struct.Struct(">LBB")
_SHORTEST_PDV: Final = 2
_COMMAND, _LAST = 1, 2


class Reason(IntEnum):
    """Why the protocol itself gives up (PS3.8 table 9-26)."""

    UNSPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    INVALID_PARAMETER = 6


class Broken(Exception):
    """What came is not what the protocol allows here; the association ends."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pdu:
    """One that arrived whole."""

    kind: Kind
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Fragment:
    """A presentation data value: a piece of a command, or of a data set (PS3.8 Annex E.2)."""

    context_id: int
    is_command: bool
    is_last: bool
    content: memoryview


async def read_pdu(
    reader: asyncio.StreamReader, *, begin: float, within: float, allowed: Mapping[Kind, int] = LONGEST
) -> Pdu:
    """The next one, that begins within `begin` seconds and takes at most `within` more.

    Raises Broken for a type or a length that may not be, before any of it is read; TimeoutError; IncompleteReadError.
    """
    async with asyncio.timeout(begin) as patience:
        first = await reader.readexactly(1)
        patience.reschedule(asyncio.get_running_loop().time() + within)
        head = first + await reader.readexactly(_HEADER.size - 1)
        number, length = _HEADER.unpack(head)
        try:
            kind = Kind(number)
        except ValueError as error:
            raise Broken(Reason.UNRECOGNIZED_PDU) from error
        longest = allowed.get(kind)
        if longest is None:
            raise Broken(Reason.UNEXPECTED_PDU)
        if length > longest:
            raise Broken(Reason.INVALID_PARAMETER)
        return Pdu(kind, head, await reader.readexactly(length))


def acknowledge_at_once(writer: asyncio.StreamWriter) -> None:
    """Have the kernel say at once what has arrived, this time (tcp(7)).

    Who waits for that before sending the rest of a message (Nagle's algorithm: Orthanc and DCMTK, as they come) would
    lose 40 ms with each.
    """
    connection = writer.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_QUICKACK"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def fragments_in(body: bytes) -> Iterator[Fragment]:
    """Those of one P-DATA-TF (PS3.8 §9.3.5). Raises Broken where their lengths do not add up."""
    if not body:
        raise Broken(Reason.INVALID_PARAMETER)
    view, at = memoryview(body), 0
    while at < len(body):
        if at + _PDV.size > len(body):
            raise Broken(Reason.INVALID_PARAMETER)
        length, context_id, control = _PDV.unpack_from(body, at)
        end = at + 4 + length
        if length < _SHORTEST_PDV or end > len(body):
            raise Broken(Reason.INVALID_PARAMETER)
        yield Fragment(context_id, bool(control & _COMMAND), bool(control & _LAST), view[at + _PDV.size : end])
        at = end


def abort(reason: Reason) -> bytes:
    """A-ABORT in the provider's name."""
    return _HEADER.pack(Kind.ABORT, 4) + bytes((0, 0, 2, reason))


def leave() -> bytes:
    """A-ABORT in our own name: nothing is wrong, we are stopping."""
    return _HEADER.pack(Kind.ABORT, 4) + bytes(4)


def release() -> bytes:
    """A-RELEASE-RQ."""
    return _HEADER.pack(Kind.RELEASE_RQ, 4) + bytes(4)


def released() -> bytes:
    """A-RELEASE-RP."""
    return _HEADER.pack(Kind.RELEASE_RP, 4) + bytes(4)
