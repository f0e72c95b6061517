"""The messages by which nothing of a session is lost, a part of `signaling.protocol`: the session's log, and beats.

What is in the log is told with its number as a second argument of the message; who misses one asks for it.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from signaling.wire import Size

EventNumber = Annotated[int, Size(0, 2**31 - 1)]
"""Of an event in a session's log, rising by one; 0: before the first."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Is anybody there? The answer is what counts."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Ask for the events after the last one that is held."""

    since: EventNumber


@dataclass(frozen=True, slots=True)
class Logged:
    """An event of the session, as it is told: the message's name, the message, and its number."""

    number: int
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SessionLog:
    """What one needs to be up to date with the event `last`. `whole`: so much was missed that one begins anew."""

    last: int
    events: tuple[Logged, ...]
    whole: bool
