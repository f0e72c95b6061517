"""Why evidence is not complete yet, or cannot become so."""

from enum import StrEnum


class Fault(StrEnum):
    """What stood in the way. What is not final is tried again, later and later."""

    NO_TIME_STAMP = "no-time-stamp"
    """No time-stamp authority answered as it should."""
    NO_ANSWER = "no-answer"
    """Nobody answered whether a certificate is good."""
    REVOKED = "revoked"
    """A certificate had been revoked when it signed."""
    NOT_GOOD = "not-good"
    """What came out did not stand our own check: an authority outside the trust folder, mostly."""

    @property
    def is_final(self) -> bool:
        """Whether trying again is of no use."""
        return self is Fault.REVOKED


class EvidenceFault(Exception):
    """Evidence could not be made now."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault
