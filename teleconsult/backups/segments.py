"""Names of write-ahead log segments (PostgreSQL: Internals, WAL): timeline, then place, 24 hexadecimal digits."""

import re
from collections.abc import Iterable
from typing import Final

SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
HISTORY: Final = re.compile(r"[0-9A-F]{8}\.history")
SIZE: Final = 16 * 1024 * 1024
"""Bytes: what PostgreSQL makes unless it was told otherwise when it was set up."""
_PER_FILE: Final = 0x1_0000_0000 // SIZE


def place_of(segment: str) -> int:
    """Counts segments from the beginning of the log."""
    return int(segment[8:16], 16) * _PER_FILE + int(segment[16:24], 16)


def end_of(segment: str) -> str:
    """Where the one after it begins, as PostgreSQL writes a place (`pg_lsn`)."""
    end = (place_of(segment) + 1) * SIZE
    return f"{end >> 32:X}/{end & 0xFFFF_FFFF:X}"


def missing_between(first: str, last: str, held: Iterable[str]) -> list[int]:
    """Places from `first` to `last` that none of `held` has."""
    places = {place_of(segment) for segment in held}
    return [place for place in range(place_of(first), place_of(last) + 1) if place not in places]
