"""How many packets a socket may send."""

import time
from typing import Final
from weakref import WeakKeyDictionary

PACKETS_A_SECOND: Final = 40
BURST: Final = 120
"""A page that gathers candidates on many interfaces sends some dozens at once."""


class Allowance:
    """A token bucket: so many packets a second on average, so many at once."""

    __slots__ = ("_a_second", "_burst", "_left", "_seen")

    def __init__(self, *, a_second: float = PACKETS_A_SECOND, burst: float = BURST) -> None:
        self._a_second, self._burst = a_second, burst
        self._left = float(burst)
        self._seen = time.monotonic()

    def take(self) -> float:
        """Use up one packet; what is left is negative once the socket is too loud."""
        moment = time.monotonic()
        self._left = min(self._burst, self._left + (moment - self._seen) * self._a_second) - 1
        self._seen = moment
        return self._left


class Allowances:
    """One kind of message's: an allowance for each that sends it, forgotten with whom it is for."""

    def __init__(self, *, a_second: float, burst: float) -> None:
        self._a_second, self._burst = a_second, burst
        self._of: WeakKeyDictionary[object, Allowance] = WeakKeyDictionary()

    def admit(self, sender: object) -> bool:
        """Use up one of the sender's; whether there was one."""
        allowance = self._of.get(sender)
        if allowance is None:
            allowance = self._of[sender] = Allowance(a_second=self._a_second, burst=self._burst)
        return allowance.take() >= 0
