"""What was made of many frames, one after the other in one object; an index per instance says where each lies.

A record is a head, JSON about what follows, and the content: one read of a range brings both. An entry of an index is
16 bytes, little endian: where the record begins, and how long its head and its content are; no content, where there
could be none of that frame.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

ENTRY: Final = struct.Struct("<QII")


@dataclass(frozen=True, slots=True)
class Span:
    """A record in an object: `start` and lengths in bytes."""

    object_key: str
    start: int
    head_length: int
    length: int

    @property
    def content_at(self) -> int:
        """Where the content begins."""
        return self.start + self.head_length


@dataclass(frozen=True, slots=True)
class Record:
    """What was made of one frame; empty where nothing could be."""

    head: dict[str, Any]
    content: bytes


def append(pack: IO[bytes], records: Sequence[Record]) -> bytes:
    """Write the records at the end of the pack; their entries."""
    entries = []
    for record in records:
        head = json.dumps(record.head, separators=(",", ":")).encode()
        entries.append(ENTRY.pack(pack.tell(), len(head), len(record.content)))
        pack.write(head)
        pack.write(record.content)
    return b"".join(entries)


def span_of(object_key: str, entries: bytes, frame: int) -> Span | None:
    """Where frame `frame` (from 1) lies; None where there is none."""
    at = (frame - 1) * ENTRY.size
    if not 0 <= at <= len(entries) - ENTRY.size:
        return None
    span = Span(object_key, *ENTRY.unpack_from(entries, at))
    return span if span.length else None


def has_content(entries: bytes) -> bool:
    """Whether anything could be made of any frame."""
    return any(length for _start, _head, length in ENTRY.iter_unpack(entries))
