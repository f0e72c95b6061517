"""How much one viewer's line takes, by what its browser estimates (REMB, draft-alvestrand-rmcat-remb-03) and loses.

The estimate itself says little: it begins with what arrives and grows by 8 % a second, however much the line takes.
What says that a line is full is an estimate that falls, or stays below what is sent (draft-ietf-rmcat-gcc-02 §5).
"""

from collections import deque
from typing import Final

LEAST: Final = 60_000
"""bit/s of picture below which no viewer holds a sender: who has less gets fewer tracks."""
FALLEN: Final = 0.97
"""Of the estimate before."""
NEAR: Final = 1.2
"""Of what is sent: an estimate above this may fall, and there is room all the same."""
FAR_BELOW: Final = 0.7
"""Of what is sent: on a good line the first estimate is what arrives."""
GROWN: Final = 1.01
A_WHILE: Final = 3
"""Seconds."""
CLIMB: Final = 1.08
"""A second, once the line is not full any more."""
UNUSED: Final = 0.7
"""Of what is allowed; who sends less than this for a while needs no limit."""
MUCH_LOST: Final = 0.1
"""Of the packets (draft-ietf-rmcat-gcc-02 §6): beyond this less is sent."""


class Downlink:
    """One viewer's."""

    def __init__(self) -> None:
        self.room: int | None = None
        """bit/s of picture there are; None while the line is not full."""
        self._estimate: int | None = None
        self._is_first = self._has_fallen = False
        self._lost = 0.0
        self._still = self._unused = 0
        self._sent: deque[int] = deque(maxlen=A_WHILE)

    def estimated(self, bits: int) -> None:
        """The browser estimates so many bit/s."""
        before = self._estimate
        self._estimate = bits
        self._is_first = before is None
        if before is not None:
            self._has_fallen |= bits < FALLEN * before
            self._still = 0 if bits > GROWN * before else self._still

    def lost(self, fraction: float) -> None:
        """The browser reports that so much of a picture was lost, of 1."""
        self._lost = max(self._lost, fraction)

    def measure(self, sent: int, *, sound: int = 0) -> None:
        """A second passed, in which `sent` bit/s of picture and so much of sound went to it."""
        self._sent.append(sent + sound)
        lost, self._lost = self._lost, 0.0
        if sent and lost > MUCH_LOST:
            self.room = max(LEAST, int(min(sent, self.room or sent) * (1 - lost / 2)))
        elif self._estimate is not None and self._is_full(self._estimate):
            self.room = max(LEAST, self._estimate - sound)
        elif self.room is not None:
            self._climb(self.room, sent)

    def _is_full(self, estimate: int) -> bool:
        usual = sum(self._sent) / len(self._sent)
        is_first, self._is_first = self._is_first, False
        has_fallen, self._has_fallen = self._has_fallen, False
        self._still += 1
        return (
            (has_fallen and estimate <= NEAR * usual)
            or (is_first and estimate < FAR_BELOW * usual)
            or (self._still >= A_WHILE and estimate < usual)
        )

    def _climb(self, room: int, sent: int) -> None:
        self._unused = self._unused + 1 if sent < UNUSED * room else 0
        if self._unused >= A_WHILE:
            self.room, self._unused = None, 0
        else:
            self.room = int(room * CLIMB)
