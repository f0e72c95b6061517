"""How much of the checking one address may have: some of the places, and so many files in a while.

In the memory of one process: it keeps one sender from taking all the places, and is no wall against many.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from teleconsult.errors import TooMany

AT_ONCE: Final = 4
"""Of the twelve places."""
EACH: Final = 60
WINDOW: Final = 300.0
"""Seconds in which an address may have that many checked: a small hospital behind one address is not kept out."""
MOST: Final = 10_000
"""Addresses remembered."""


class Shares:
    """What each address has had lately, and has under way."""

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        each: int = EACH,
        window: float = WINDOW,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._at_once, self._each, self._window = at_once, each, window
        self._clock = clock or time.monotonic
        self._lately: OrderedDict[str, deque[float]] = OrderedDict()
        self._under_way: dict[str, int] = {}

    @contextmanager
    def taken(self, address: str) -> Iterator[None]:
        """A share for the length of the block. Raises TooMany where the address has its own already."""
        whose, moment = _share_of(address), self._clock()
        lately = self._lately.setdefault(whose, deque())
        self._lately.move_to_end(whose)
        while lately and lately[0] <= moment - self._window:
            lately.popleft()
        if len(lately) >= self._each:
            wait = max(1, round(lately[0] + self._window - moment))
            raise TooMany("You have had many files checked. Try again in some minutes.", retry_after=wait)
        if self._under_way.get(whose, 0) >= self._at_once:
            raise TooMany("Some of your files are being checked now. Try again in a moment.", retry_after=5)
        lately.append(moment)
        self._under_way[whose] = self._under_way.get(whose, 0) + 1
        while len(self._lately) > MOST:
            self._lately.popitem(last=False)
        try:
            yield
        finally:
            self._under_way[whose] -= 1
            if not self._under_way[whose]:
                del self._under_way[whose]


def _share_of(address: str) -> str:
    """The address; of IPv6 the network that a household or a hospital has (RFC 6177 §2)."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
