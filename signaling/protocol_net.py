"""The messages of how a link does, a part of `signaling.protocol`, and of single pictures where it carries no other."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from signaling.ladder import RungName
from signaling.wire import Size

Why = Literal["opening", "fine", "weak", "device", "chosen"]
"""Of the rung: as the link check gave it; the best there is; no more than the link carries; no more than the
device manages; as the person wants it."""

MOST_PIECES: Final = 16
PIECE_LENGTH: Final = 1_400
"""Of 1,024 bytes in base64, and what seals them: one packet on its way, with no room to hold up the sound."""

Share = Annotated[float, Size(0, 1)]
Milliseconds = Annotated[float, Size(0, 60_000)]
BitsPerSecond = Annotated[float, Size(0, 1e9)]


@dataclass(frozen=True, slots=True)
class Net:
    """How somebody's link does: every five seconds, and when the rung changes. Where there are several, the worst."""

    rung: RungName
    why: Why
    loss: Share  # of the packets, in the direction that loses more
    concealed: Share  # of the sound heard: what had to be invented
    up: BitsPerSecond  # sent
    down: BitsPerSecond  # received
    silent: Annotated[float, Size(0, 86_400)]  # seconds since the last message in which no sound arrived
    freezes: Annotated[int, Size(0, 10_000)]  # of moving pictures, since the last message
    round_trip: Milliseconds | None = None
    jitter: Milliseconds | None = None
    uplink: BitsPerSecond | None = None  # what could be sent


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a single picture (JPEG), in order; the last of `count` completes it."""

    index: Annotated[int, Size(0, MOST_PIECES - 1)]
    count: Annotated[int, Size(1, MOST_PIECES)]
    bytes: Annotated[str, Size(4, PIECE_LENGTH)]  # base64

    def __post_init__(self) -> None:
        if self.index >= self.count:
            raise ValueError("a piece beyond the last")


@dataclass(frozen=True, slots=True)
class NetOf:
    """What a peer sends now, and why no more."""

    sender: uuid.UUID
    rung: RungName
    why: Why


@dataclass(frozen=True, slots=True)
class PieceOf:
    """A piece of a peer's picture."""

    sender: uuid.UUID
    index: int
    count: int
    bytes: str
