"""What a DICOM file is known by: the digest of its bytes, and that of its data set alone.

The same object has another file meta information when it comes by another door (PS3.10 §7.1): who wrote the file, with
what. What follows is the object itself, as its transfer syntax has it. That is looked at only when the same object
comes again in other bytes; it would cost every other one as much as the first digest.
"""

import asyncio
import hashlib
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from teleconsult.objects import Objects

PREFIX: Final = 128
MARK: Final = b"DICM"
LONGEST_META: Final = 64 * 1024
"""Bytes of the file meta information that are looked through; no true one has a hundredth of it."""
_GROUP: Final = b"\x02\x00"
_LONG: Final = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
"""Value representations whose length has four bytes (PS3.5 §7.1.2)."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Of one file; `size` in bytes."""

    size: int
    sha256: bytes


def data_set_at(file: BinaryIO) -> int:
    """Where the data set begins: behind the last element of group 0002, whatever length that group claims."""
    at = PREFIX + len(MARK)
    while at < LONGEST_META:
        file.seek(at)
        head = file.read(12)
        if len(head) < 8 or not head.startswith(_GROUP):
            break
        is_long = head[4:6] in _LONG and len(head) == 12
        at += 12 + struct.unpack("<L", head[8:])[0] if is_long else 8 + struct.unpack("<H", head[6:8])[0]
    return at


def digest_of(path: Path) -> Digest:
    """Read a file once."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return Digest(file.tell(), digest.digest())


async def data_set_digest(objects: Objects, key: str) -> bytes:
    """Of the data set of a stored file, read for this. Raises NotFound."""
    digest, at, begins = hashlib.sha256(), 0, -1
    async for piece in objects.stream(key):
        if begins < 0:
            begins = data_set_at(BytesIO(piece[: LONGEST_META + 12]))
        await asyncio.to_thread(digest.update, memoryview(piece)[max(begins - at, 0) :])
        at += len(piece)
    return digest.digest()
