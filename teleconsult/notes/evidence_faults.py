"""Why evidence is not complete yet, or cannot become so."""

from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """What stood in the way. Most is tried again, later and later."""

    NO_TIME_STAMP = "no-time-stamp"
    """No time-stamp authority answered as it should."""
    NO_ANSWER = "no-answer"
    """Nobody answered whether a certificate is good."""
    REVOKED = "revoked"
    """The signer's certificate had been revoked when they signed."""
    CLOCK_REVOKED = "clock-revoked"
    """That of a time-stamp authority had been."""
    NOT_GOOD = "not-good"
    """What came out did not stand our own check: an authority outside the trust folder, mostly."""
    UNFORESEEN = "unforeseen"
    """Something else failed; the log has it."""

    @property
    def most_attempts(self) -> int | None:
        """After how many in vain it is given up, for an administrator to look at; None while others may be waited for.

        Eight are two hours, forty a week (`completing.FIRST_WAIT`, `LONGEST_WAIT`).
        """
        return _MOST.get(self)


_MOST: Final = {Fault.REVOKED: 1, Fault.CLOCK_REVOKED: 8, Fault.NOT_GOOD: 8, Fault.UNFORESEEN: 40}


class EvidenceFault(Exception):
    """Evidence could not be made now."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault
