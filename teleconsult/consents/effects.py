"""What a consent lets happen now, and what stops, stays and cannot be undone when it is withdrawn: pure rules.

They say beforehand what `withdrawing.withdraw_consent` does.
"""

from enum import StrEnum
from typing import Final

from teleconsult.consents.withdrawing import NOT_HELD
from teleconsult.consults.states import ConsultState

_HELD: Final = (ConsultState.IN_SESSION, ConsultState.UNSIGNED)
_SIGNED: Final = (ConsultState.SIGNED, ConsultState.DELIVERED, ConsultState.ACKNOWLEDGED, ConsultState.RETRACTED)


class Allowed(StrEnum):
    """What may happen because of a consent."""

    READ = "read"
    """The specialists read the excerpt and its images."""
    MEET = "meet"
    """A live session is held."""


class Stopped(StrEnum):
    """What a withdrawal ends."""

    READING = "reading"
    CONSULT = "consult"
    """It is cancelled, since its session was not held."""
    SESSION_TO_COME = "session-to-come"
    SESSION_GOING_ON = "session-going-on"


class Staying(StrEnum):
    """What a withdrawal does not end."""

    NOTE_TO_WRITE = "note-to-write"
    SIGNED_NOTE = "signed-note"


def allowed(state: ConsultState, *, is_shared: bool) -> tuple[Allowed, ...]:
    """What a consent that stands allows; `is_shared` where the excerpt can be read still."""
    may_meet = state in NOT_HELD or state is ConsultState.IN_SESSION
    return (*((Allowed.READ,) if is_shared else ()), *((Allowed.MEET,) if may_meet else ()))


def stopped(state: ConsultState, *, is_shared: bool) -> tuple[Stopped, ...]:
    """What a withdrawal would stop."""
    stops = [Stopped.READING] if is_shared else []
    if state in (ConsultState.SCHEDULED, ConsultState.ARRIVED):
        stops.append(Stopped.SESSION_TO_COME)
    if state in NOT_HELD:
        stops.append(Stopped.CONSULT)
    if state is ConsultState.IN_SESSION:
        stops.append(Stopped.SESSION_GOING_ON)
    return tuple(stops)


def staying(state: ConsultState) -> tuple[Staying, ...]:
    """What would go on all the same, besides the list of who looked at what."""
    if state in _HELD:
        return (Staying.NOTE_TO_WRITE,)
    return (Staying.SIGNED_NOTE,) if state in _SIGNED else ()
