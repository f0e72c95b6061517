"""The messages by which those in a room give each other the keys of their sound and pictures, a part of
`signaling.protocol`. The server passes them on and can read no key.
"""

import uuid
from dataclasses import dataclass
from typing import Annotated, Final

from signaling.wire import Size

COMMITMENT_LENGTH: Final = 44  # SHA-256 in base64
CARD_LENGTH: Final = 132  # a point on P-256, uncompressed, and a SHA-256 fingerprint, in base64
SEALED_LENGTH: Final = 64  # 32 bytes and the tag of AES-GCM, in base64
MOST_CHANGES: Final = 1_000_000

Number = Annotated[int, Size(0, MOST_CHANGES)]


@dataclass(frozen=True, slots=True)
class Commit:
    """After each `join`: SHA-256 of the page's card, nothing where its browser makes no keys; and whether it seals
    frames.
    """

    seals: bool
    commitment: Annotated[str, Size(COMMITMENT_LENGTH, COMMITMENT_LENGTH)] | None = None


@dataclass(frozen=True, slots=True)
class Reveal:
    """The card itself, to who has told their commitment: the public key (P-256) and the fingerprint of the page's
    connections (SHA-256), in base64.
    """

    to: uuid.UUID
    card: Annotated[str, Size(CARD_LENGTH, CARD_LENGTH)]


@dataclass(frozen=True, slots=True)
class KeyFor:
    """The key that opens what the sender sends, its `number` counting the changes, sealed for one member."""

    to: uuid.UUID
    number: Number
    sealed: Annotated[str, Size(SEALED_LENGTH, SEALED_LENGTH)]


@dataclass(frozen=True, slots=True)
class CommitmentOf:
    """A peer's commitment, and whether their browser seals frames."""

    sender: uuid.UUID
    seals: bool
    commitment: str | None = None


@dataclass(frozen=True, slots=True)
class Commitments:
    """Those of everyone in the room who has told it."""

    of: tuple[CommitmentOf, ...]


@dataclass(frozen=True, slots=True)
class RevealOf:
    """A peer's card, for the receiver alone."""

    sender: uuid.UUID
    card: str


@dataclass(frozen=True, slots=True)
class KeyOf:
    """A peer's key, sealed for the receiver alone."""

    sender: uuid.UUID
    number: int
    sealed: str
