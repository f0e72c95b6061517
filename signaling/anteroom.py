"""Lines on which nobody has been let in to a namespace yet, or nobody is any more: each for a while, and not too many
from one address. Who answers pings and says nothing else would hold a line for ever.
"""

import asyncio
from collections import Counter
from typing import Final, Protocol

PATIENCE: Final = 10.0
"""Seconds a line may wait there."""
MOST_FROM_ONE_ADDRESS: Final = 200
"""A hospital whose pages all come back at once has one address, and is let in within a second or two."""


class Waiting(Protocol):
    """A line, as seen from here."""

    sid: str
    address: str
    is_taking: bool

    def hang_up(self, why: str) -> None:
        """Let go of the client."""


class Anteroom:
    """Of one server."""

    def __init__(self) -> None:
        self.patience = PATIENCE
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._waiting: Counter[str] = Counter()

    def is_full(self, address: str) -> bool:
        """Whether as many wait from there as may."""
        return self._waiting[address] >= MOST_FROM_ONE_ADDRESS

    def enter(self, line: Waiting) -> None:
        """From now on it waits, unless it does already."""
        if line.sid not in self._ends:
            self._waiting[line.address] += 1
            self._wait(line)

    def leave(self, line: Waiting) -> None:
        """It waits no longer: somebody was let in, or it ended."""
        end = self._ends.pop(line.sid, None)
        if end is not None:
            end.cancel()
            self._waiting[line.address] -= 1
            if not self._waiting[line.address]:
                del self._waiting[line.address]

    def _wait(self, line: Waiting) -> None:
        self._ends[line.sid] = asyncio.get_running_loop().call_later(self.patience, self._end, line)

    def _end(self, line: Waiting) -> None:
        if line.is_taking:  # the answer is late, not the question
            self._wait(line)
        else:
            line.hang_up("nobody was let in")
