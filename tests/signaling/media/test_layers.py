"""Which size of a picture a viewer gets."""

import pytest

from signaling.media.layers import LONGEST_PATIENCE, PATIENCE, Layers, flowing

RATES = (600_000, 100_000)


def test_it_begins_with_the_best() -> None:
    assert Layers().level == 0


def test_down_at_once_and_up_after_a_while() -> None:
    choice = Layers()
    choice.decide(room=300_000, rates=RATES, now=0)
    assert choice.level == 1
    choice.decide(room=None, rates=RATES, now=1)
    choice.decide(room=None, rates=RATES, now=PATIENCE)
    assert choice.level == 1
    choice.decide(room=None, rates=RATES, now=1 + PATIENCE)
    assert choice.level == 0


def test_room_enough_changes_nothing() -> None:
    choice = Layers()
    choice.decide(room=700_000, rates=RATES, now=0)
    assert choice.level == 0


def test_a_line_that_is_full_now_and_then_is_not_tried() -> None:
    choice = Layers()
    choice.decide(room=300_000, rates=RATES, now=0)
    for second in range(1, 60):
        choice.decide(room=None if second % 9 else 110_000, rates=RATES, now=second)
    assert choice.level == 1


def test_what_was_tried_in_vain_is_tried_more_rarely() -> None:
    choice, waits, since, now = Layers(), [], 0, 0
    choice.decide(room=300_000, rates=RATES, now=now)
    while len(waits) < 6:
        now += 1
        choice.decide(room=None, rates=RATES, now=now)
        if choice.level == 0:
            waits.append(now - since)
            now += 2
            choice.decide(room=300_000, rates=RATES, now=now)
            since = now
    assert waits == sorted(waits)
    assert waits[0] < 2 * PATIENCE
    assert waits[-1] >= LONGEST_PATIENCE


def test_what_there_is_no_more_is_not_chosen() -> None:
    choice = Layers()
    choice.decide(room=300_000, rates=RATES, now=0)
    choice.decide(room=300_000, rates=RATES[:1], now=1)
    assert choice.level == 0
    choice.decide(room=300_000, rates=(), now=1)
    assert choice.level == 0


@pytest.mark.parametrize(
    ("wish", "flows", "shown"),
    [
        (0, [True, True], 0),
        (0, [False, True], 1),
        (1, [True, False], 0),
        (0, [False, False], 0),
        (0, [], 0),
        (2, [True, True, False], 1),
    ],
)
def test_what_does_not_come_is_not_shown(wish: int, flows: list[bool], shown: int) -> None:
    assert flowing(wish, flows) == shown
