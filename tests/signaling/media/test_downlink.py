"""How much one viewer's line takes."""

import itertools

from signaling.media.downlink import LEAST, Downlink


def test_nothing_is_known_of_a_line_that_is_not_full() -> None:
    line = Downlink()
    line.measure(300_000)
    line.estimated(450_000)
    line.measure(300_000)
    assert line.room is None


def test_a_full_line_limits() -> None:
    line = Downlink()
    line.estimated(200_000)
    line.measure(300_000)
    assert line.room == 200_000


def test_a_line_that_is_better_again_is_filled_slowly() -> None:
    line = Downlink()
    line.estimated(200_000)
    line.measure(600_000)
    rooms = []
    sent = 200_000
    for _ in range(12):
        line.estimated(int(sent * 1.5))
        line.measure(sent)
        rooms.append(line.room or 0)
        sent = line.room or sent
    assert all(before < after <= before * 1.16 for before, after in itertools.pairwise(rooms))
    assert rooms[0] > 200_000
    assert rooms[-1] > 900_000


def test_who_does_not_use_what_is_allowed_is_not_limited_any_more() -> None:
    line = Downlink()
    line.estimated(200_000)
    line.measure(300_000)
    line.estimated(1_000_000)
    for _ in range(3):
        assert line.room is not None
        line.measure(20_000)
    assert line.room is None


def test_a_line_that_loses_much_limits_without_an_estimate() -> None:
    line = Downlink()
    line.lost(0.05)
    line.measure(300_000)
    assert line.room is None
    line.lost(0.2)
    line.measure(300_000)
    assert line.room == 270_000


def test_nobody_holds_a_sender_below_the_least() -> None:
    line = Downlink()
    line.estimated(5_000)
    line.measure(300_000)
    assert line.room == LEAST


def test_sound_takes_its_part() -> None:
    line = Downlink()
    line.estimated(220_000)
    line.measure(100_000, sound=100_000)
    assert line.room == 120_000
