"""What was found out a moment ago: who carries a token, and that they may look at an image.

A viewer asks for a study in hundreds of requests. Who asks, and whether they may look, is found out for the first of
them and anew after three seconds; whatever is told meanwhile (`teleconsult.events`) makes all of it forgotten at once.
So nobody is shown anything five seconds after they may not see it, as for sockets (`signaling.watch`).
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

Found = TypeVar("Found")
GOOD_FOR: Final = 3.0
"""Seconds, from when we began to look."""
MOST: Final = 2000


class Lately:
    """One a process, held in its memory alone. What raises (there is no such thing, or not for them) is not held."""

    def __init__(self, *, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        """Of more than `most` findings the oldest go, and with each new one those that are good no more."""
        self._most, self._clock = most, clock
        self._findings: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._told = 0

    async def found(self, key: Hashable, look: Callable[[], Awaitable[Found]]) -> Found:
        """What `look` finds, or found under this key a moment ago; the key says who asks, and for what."""
        if self.holds(key):
            finding: Found = self._findings[key][1]
            return finding
        began, told = self._clock(), self._told
        finding = await look()
        if told == self._told:  # else it may be from before what was told
            self._hold(key, finding, began)
        return finding

    def holds(self, key: Hashable) -> bool:
        """Whether something was found under this key a moment ago."""
        return key in self._findings and self._clock() - self._findings[key][0] < GOOD_FOR

    def note(self, key: Hashable) -> None:
        """Hold that this was done now."""
        self._hold(key, True, self._clock())

    def _hold(self, key: Hashable, finding: object, since: float) -> None:
        self._findings[key] = since, finding
        self._findings.move_to_end(key)
        while self._findings and (len(self._findings) > self._most or not self.holds(next(iter(self._findings)))):
            self._findings.popitem(last=False)

    def forget(self) -> None:
        """Something changed somewhere: look at everything again."""
        self._told += 1
        self._findings.clear()
