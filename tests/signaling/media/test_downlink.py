"""How much one viewer's line takes."""

import itertools

from signaling.media.downlink import LEAST, Downlink


def full(estimate: int = 200_000) -> Downlink:
    """A line that turned out to be full."""
    line = Downlink()
    line.estimated(estimate)
    line.measure(2 * estimate)
    assert line.room == estimate
    return line


def test_an_estimate_that_is_behind_and_grows_limits_nobody() -> None:
    line, estimate = Downlink(), 150_000.0
    line.measure(150_000)
    for second in range(30):
        line.estimated(int(estimate))
        estimate = min(900_000.0, estimate * 1.08)
        line.measure(min(600_000, 150_000 * (second + 1)))
        assert line.room is None


def test_a_first_estimate_far_below_what_is_sent_limits() -> None:
    line = Downlink()
    line.measure(300_000)
    assert line.room is None
    line.estimated(200_000)
    line.measure(300_000)
    assert line.room == 200_000


def test_an_estimate_that_falls_limits() -> None:
    line = Downlink()
    line.estimated(450_000)
    line.measure(300_000)
    line.estimated(250_000)
    line.measure(300_000)
    assert line.room == 250_000


def test_an_estimate_that_falls_and_leaves_room_does_not() -> None:
    line = Downlink()
    line.estimated(900_000)
    line.measure(300_000)
    line.estimated(500_000)
    line.measure(300_000)
    assert line.room is None


def test_an_estimate_that_stays_below_what_is_sent_limits() -> None:
    line = Downlink()
    for _ in range(3):
        assert line.room is None
        line.estimated(280_000)
        line.measure(300_000)
    assert line.room == 280_000


def test_a_line_that_is_better_again_is_filled_slowly() -> None:
    line, rooms = full(), []
    for second in range(1, 25):
        line.estimated(200_000 + 30_000 * second)
        line.measure(line.room or 0)
        rooms.append(line.room or 0)
    assert all(before < after <= before * 1.09 for before, after in itertools.pairwise(rooms))
    assert rooms[-1] > 900_000


def test_who_does_not_use_what_is_allowed_is_not_limited_any_more() -> None:
    line = full()
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
    line.estimated(120_000)
    line.measure(100_000, sound=100_000)
    assert line.room == LEAST
    line = Downlink()
    line.estimated(220_000)
    line.measure(300_000, sound=100_000)
    assert line.room == 120_000
