"""The negotiation table, walked by two sides over links that lose and cross messages."""

import uuid
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.negotiation import TABLES, Action, Event, Role, State, UnknownStep, is_polite, step


class Side:
    """One side without media: what it sends, and whether both came to the same session."""

    def __init__(self, role: Role, state: State) -> None:
        self.role, self.state = role, state
        self.outbox: deque[Event] = deque()
        self.agreed = False

    def take(self, event: Event) -> None:
        """Walk one step and do what the table says."""
        self.state, action = step(self.role, event, self.state)
        if action in (Action.SEND_OFFER, Action.SEND_OFFER_AGAIN):
            self.outbox.append(Event.OFFER)
        elif action is Action.SEND_ANSWER:
            self.outbox.append(Event.ANSWER)
            self.agreed = True
        elif action is Action.TAKE_ANSWER:
            self.agreed = True


def deliver(polite: Side, impolite: Side) -> None:
    """Carry messages until none are under way."""
    while polite.outbox or impolite.outbox:
        if polite.outbox:
            impolite.take(polite.outbox.popleft())
        if impolite.outbox:
            polite.take(impolite.outbox.popleft())


@given(st.lists(st.sampled_from(["polite", "impolite", "deliver", "outage"]), max_size=30))
def test_whatever_happens_both_sides_end_idle_and_agreed(happenings: list[str]) -> None:
    sides = {"polite": Side(Role.POLITE, State.IDLE), "impolite": Side(Role.IMPOLITE, State.IDLE)}
    for happening in [*happenings, "polite", "impolite", "outage"]:
        if happening in sides:
            sides[happening].take(Event.NEEDED)
        elif happening == "deliver":
            deliver(sides["polite"], sides["impolite"])
        else:
            for side in sides.values():
                side.outbox.clear()  # everything under way is lost
            for side in sides.values():
                side.take(Event.RESUMED)
            deliver(sides["polite"], sides["impolite"])
    assert {side.state for side in sides.values()} == {State.IDLE}
    assert all(side.agreed for side in sides.values())


def test_crossing_offers_end_with_the_impolite_sides() -> None:
    polite, impolite = Side(Role.POLITE, State.IDLE), Side(Role.IMPOLITE, State.IDLE)
    polite.take(Event.NEEDED)
    impolite.take(Event.NEEDED)
    impolite.take(polite.outbox.popleft())
    assert (impolite.state, list(impolite.outbox)) == (State.IGNORING, [Event.OFFER])
    deliver(polite, impolite)
    assert polite.state is impolite.state is State.IDLE


def test_who_was_there_first_waits_for_the_newcomers_offer() -> None:
    assert step(Role.POLITE, Event.NEEDED, State.EXPECTING) == (State.EXPECTING, Action.NOTHING)
    assert step(Role.IMPOLITE, Event.OFFER, State.EXPECTING) == (State.IDLE, Action.SEND_ANSWER)


def test_an_unknown_pair_raises_naming_both() -> None:
    with pytest.raises(UnknownStep, match=r"answer.*expecting"):
        step(Role.POLITE, Event.ANSWER, State.EXPECTING)


def test_closing_works_from_everywhere() -> None:
    for role in TABLES:
        for state in set(State) - {State.CLOSED}:
            assert step(role, Event.CLOSE, state) == (State.CLOSED, Action.CLOSE)


def test_of_two_exactly_one_is_polite() -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    assert is_polite(one, other) is not is_polite(other, one)
