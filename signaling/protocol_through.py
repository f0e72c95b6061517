"""The messages of the way that sound and pictures take, a part of `signaling.protocol`: from person to person, or by
the server.
"""

import uuid
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from signaling.wire import Size

MOST_WANTS: Final = 36
MOST_OTHERS: Final = 24
HIGHEST: Final = 1_000_000

Way = Literal["direct", "server"]
TrackKind = Literal["audio", "video"]
Sdp = Annotated[str, Size(1, 90_000)]
PathNumber = Annotated[int, Size(1, HIGHEST)]


@dataclass(frozen=True, slots=True)
class Path:
    """The way of everyone in the room. Each change has a higher number; it is settled when all have changed over."""

    number: int
    way: Way
    settled: bool
    split: bool | None = None
    """True where what is sent and what is received take connections of their own: for the latter the server offers."""


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

    sdp: Sdp
    wants: Annotated[tuple[Want, ...], Size(0, MOST_WANTS)]
    path: PathNumber | None = None
    """For which path."""


@dataclass(frozen=True, slots=True)
class ThroughAnswer:
    """The server's answer (SDP)."""

    sdp: str


@dataclass(frozen=True, slots=True)
class WantOf:
    """Whose sound is wanted, or sound and pictures, where the path is split."""

    pid: uuid.UUID
    video: bool
    after: Annotated[int, Size(0, HIGHEST)]
    """The number of the last connection for it that broke: by another; 0 where none did."""


@dataclass(frozen=True, slots=True)
class Wants:
    """Everybody who is wanted from now on."""

    path: PathNumber
    people: Annotated[tuple[WantOf, ...], Size(0, MOST_OTHERS)]


@dataclass(frozen=True, slots=True)
class Carried:
    """What an m-line of the server's carries: the sound or the picture of one of somebody's streams."""

    mid: str
    stream: str
    kind: TrackKind


@dataclass(frozen=True, slots=True)
class Offered:
    """The server's offer (SDP) of all that somebody sends, over a connection of its own. A later one has a higher
    number, and takes the place of the one before.
    """

    path: int
    sender: uuid.UUID
    number: int
    sdp: str
    carries: tuple[Carried, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The browser's answer (SDP) to it."""

    path: PathNumber
    sender: uuid.UUID
    number: Annotated[int, Size(1, HIGHEST)]
    sdp: Sdp
