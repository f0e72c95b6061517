"""How much one viewer's line takes, by what its browser estimates (REMB, draft-alvestrand-rmcat-remb-03) and loses."""

from typing import Final

LEAST: Final = 60_000
"""bit/s of picture below which no viewer holds a sender: who has less gets fewer tracks."""
FULL: Final = 1.2
"""An estimate follows what arrives at one and a half times; one nearer than this says that the line is full."""
CLIMB: Final = 1.15
"""A second, once the line is not full any more."""
UNUSED: Final = 0.7
"""Of what is allowed; who sends less than this for a while needs no limit."""
A_WHILE: Final = 3
"""Seconds."""
MUCH_LOST: Final = 0.1
"""Of the packets (draft-ietf-rmcat-gcc-02 §6): beyond this less is sent."""


class Downlink:
    """One viewer's."""

    def __init__(self) -> None:
        self.room: int | None = None
        """bit/s of picture there are; None while the line is not full."""
        self._estimate: int | None = None
        self._lost = 0.0
        self._unused = 0

    def estimated(self, bits: int) -> None:
        """The browser estimates so many bit/s."""
        self._estimate = bits

    def lost(self, fraction: float) -> None:
        """The browser reports that so much of a picture was lost, of 1."""
        self._lost = max(self._lost, fraction)

    def measure(self, sent: int, *, sound: int = 0) -> None:
        """A second passed, in which `sent` bit/s of picture and so much of sound went to it."""
        lost, self._lost = self._lost, 0.0
        if sent and lost > MUCH_LOST:
            self.room = max(LEAST, int(min(sent, self.room or sent) * (1 - lost / 2)))
        elif self._estimate is not None and self._estimate <= FULL * (sent + sound):
            self.room = max(LEAST, self._estimate - sound)
        elif self.room is not None:
            self._climb(self.room, sent)

    def _climb(self, room: int, sent: int) -> None:
        self._unused = self._unused + 1 if sent < UNUSED * room else 0
        if self._unused >= A_WHILE:
            self.room, self._unused = None, 0
            return
        climbed = int(room * CLIMB)
        self.room = max(LEAST, climbed if self._estimate is None else min(climbed, self._estimate))
