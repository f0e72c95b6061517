"""The messages of the way that sound and pictures take, a part of `signaling.protocol`: from person to person, or by
the server.
"""

import uuid
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from signaling.wire import Size

MOST_WANTS: Final = 36
HIGHEST: Final = 1_000_000

Way = Literal["direct", "server"]
TrackKind = Literal["audio", "video"]
PathNumber = Annotated[int, Size(1, HIGHEST)]


@dataclass(frozen=True, slots=True)
class Path:
    """The way of everyone in the room. Each change has a higher number; it is settled when all have changed over."""

    number: int
    way: Way
    settled: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The path a page is on, told when it joins: a server that began anew goes on from there."""

    number: PathNumber
    way: Way


@dataclass(frozen=True, slots=True)
class PathTried:
    """How the change to a path went here: everything expected arrives by it, or nothing gets through."""

    number: PathNumber
    works: bool


@dataclass(frozen=True, slots=True)
class Want:
    """What is wanted on an m-line that only receives: the sound or the picture of one of somebody's streams."""

    mid: Annotated[str, Size(1, 16)]
    pid: uuid.UUID
    stream: Annotated[str, Size(1, 64)]
    kind: TrackKind


@dataclass(frozen=True, slots=True)
class Through:
    """An offer to the server (SDP). What is sent goes up on m-lines of its own, what is wanted comes down on others."""

    sdp: Annotated[str, Size(1, 90_000)]
    wants: Annotated[tuple[Want, ...], Size(0, MOST_WANTS)]


@dataclass(frozen=True, slots=True)
class ThroughAnswer:
    """The server's answer (SDP)."""

    sdp: str
