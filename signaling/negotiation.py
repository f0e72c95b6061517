"""Perfect negotiation as a table: who may offer when, and what to do when both do (W3C WebRTC 1.0 §10.7).

The table is the one source: `python -m signaling.protocol` writes it into the browser's
`protocol.gen.ts`, and a media peer of the server's walks the same one.
"""

import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where one side of a pair stands."""

    EXPECTING = "expecting"  # the other side came last and offers first, so that both don't
    IDLE = "idle"
    OFFERING = "offering"
    IGNORING = "ignoring"  # our offer is out and theirs, which crossed it, was dropped
    CLOSED = "closed"


class Event(StrEnum):
    """What can happen to it."""

    NEEDED = "needed"  # tracks changed or ICE must restart
    OFFER = "offer"
    ANSWER = "answer"
    CANDIDATE = "candidate"
    RESUMED = "resumed"  # the way between both was broken and stands again: anything may have been lost
    CLOSE = "close"


class Action(StrEnum):
    """What the side does about it."""

    NOTHING = "nothing"
    SEND_OFFER = "send-offer"
    SEND_ANSWER = "send-answer"  # takes the offer first, rolling an own one back
    TAKE_ANSWER = "take-answer"
    TAKE_CANDIDATE = "take-candidate"
    TRY_CANDIDATE = "try-candidate"  # it may belong to the dropped offer: a failure is no error
    SEND_OFFER_AGAIN = "send-offer-again"
    CHECK_PATH = "check-path"  # nothing is pending: restart ICE if media no longer flow
    CLOSE = "close"


class Role(StrEnum):
    """The polite side gives way when two offers cross."""

    POLITE = "polite"
    IMPOLITE = "impolite"


Table = Mapping[tuple[Event, State], tuple[State, Action]]

_EITHER: Final[Table] = {
    (Event.NEEDED, State.EXPECTING): (State.EXPECTING, Action.NOTHING),
    (Event.NEEDED, State.IDLE): (State.OFFERING, Action.SEND_OFFER),
    # The browser fires it again by itself once the signaling state is stable.
    (Event.NEEDED, State.OFFERING): (State.OFFERING, Action.NOTHING),
    (Event.NEEDED, State.IGNORING): (State.IGNORING, Action.NOTHING),
    (Event.OFFER, State.EXPECTING): (State.IDLE, Action.SEND_ANSWER),
    (Event.OFFER, State.IDLE): (State.IDLE, Action.SEND_ANSWER),
    (Event.ANSWER, State.OFFERING): (State.IDLE, Action.TAKE_ANSWER),
    (Event.ANSWER, State.IGNORING): (State.IDLE, Action.TAKE_ANSWER),
    # The answer to an offer that was sent twice comes twice.
    (Event.ANSWER, State.IDLE): (State.IDLE, Action.NOTHING),
    (Event.CANDIDATE, State.EXPECTING): (State.EXPECTING, Action.NOTHING),
    (Event.CANDIDATE, State.IDLE): (State.IDLE, Action.TAKE_CANDIDATE),
    (Event.CANDIDATE, State.OFFERING): (State.OFFERING, Action.TRY_CANDIDATE),
    (Event.CANDIDATE, State.IGNORING): (State.IGNORING, Action.TRY_CANDIDATE),
    (Event.RESUMED, State.EXPECTING): (State.EXPECTING, Action.NOTHING),
    (Event.RESUMED, State.IDLE): (State.IDLE, Action.CHECK_PATH),
    (Event.RESUMED, State.OFFERING): (State.OFFERING, Action.SEND_OFFER_AGAIN),
    (Event.RESUMED, State.IGNORING): (State.OFFERING, Action.SEND_OFFER_AGAIN),
    (Event.CLOSE, State.EXPECTING): (State.CLOSED, Action.CLOSE),
    (Event.CLOSE, State.IDLE): (State.CLOSED, Action.CLOSE),
    (Event.CLOSE, State.OFFERING): (State.CLOSED, Action.CLOSE),
    (Event.CLOSE, State.IGNORING): (State.CLOSED, Action.CLOSE),
}

TABLES: Final[Mapping[Role, Table]] = {
    Role.POLITE: {
        **_EITHER,
        (Event.OFFER, State.OFFERING): (State.IDLE, Action.SEND_ANSWER),
    },
    Role.IMPOLITE: {
        **_EITHER,
        (Event.OFFER, State.OFFERING): (State.IGNORING, Action.NOTHING),
        (Event.OFFER, State.IGNORING): (State.IGNORING, Action.NOTHING),
    },
}


class UnknownStep(Exception):
    """The table has no row for this event in this state."""


def step(role: Role, event: Event, state: State) -> tuple[State, Action]:
    """The next state and what to do. Raises UnknownStep naming both where the table has no row."""
    try:
        return TABLES[role][event, state]
    except KeyError:
        raise UnknownStep(f"{event} is not expected while {state} ({role})") from None


def is_polite(mine: uuid.UUID, theirs: uuid.UUID) -> bool:
    """Both sides must come to opposite answers without asking: the smaller participant id gives way."""
    return mine < theirs
