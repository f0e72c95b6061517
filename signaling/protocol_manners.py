"""The messages by which people talk one after the other, a part of `signaling.protocol`."""

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hand:
    """One's hand goes up, or down again. Said anew after every reconnect."""

    raised: bool


@dataclass(frozen=True, slots=True)
class Hush:
    """Ask everyone else to mute their microphone."""


@dataclass(frozen=True, slots=True)
class HandOf:
    """A peer's hand went up, or down."""

    sender: uuid.UUID
    raised: bool


@dataclass(frozen=True, slots=True)
class HushOf:
    """A peer asks for silence: the page mutes, and says by whom. Only its owner unmutes it."""

    sender: uuid.UUID
    name: str
