"""Transport-wide feedback, read as the browser reads it."""

import struct

from signaling.media.arrivals import Arrivals


def told(message: bytes | None) -> list[tuple[int, int | None]]:
    """(number, arrival in µs or None where it is lost) of each packet the message speaks of."""
    assert message is not None
    assert len(message) % 4 == 0
    _sender, _media, first, count, reference = struct.unpack_from("!IIHHI", message, 4)
    at, statuses = 20, []
    while len(statuses) < count:
        (chunk,) = struct.unpack_from("!H", message, at)
        at += 2
        assert chunk >> 14 == 3, "seven packets of two bits each"
        statuses += [(chunk >> shift) & 3 for shift in range(12, -1, -2)]
    clock, packets = (reference >> 8) * 64_000, []
    for number, status in enumerate(statuses[:count], first):
        if status == 0:
            packets.append((number & 0xFFFF, None))
            continue
        delta, size = (message[at], 1) if status == 1 else (struct.unpack_from("!h", message, at)[0], 2)
        at += size
        clock += delta * 250
        packets.append((number & 0xFFFF, clock))
    return packets


def test_it_says_what_arrived_when_also_where_the_count_begins_anew() -> None:
    arrivals = Arrivals()
    came = {65534: 1_000_000, 65535: 1_003_000, 1: 1_100_000, 0: 1_101_000}
    for number, at in came.items():
        arrivals.add(number, at)
    packets = told(arrivals.message(sender=1, media=2))
    assert [number for number, _at in packets] == [65534, 65535, 0, 1]
    assert all(at is not None and abs(at - came[number]) <= 250 for number, at in packets)


def test_nothing_is_told_where_nothing_came() -> None:
    arrivals = Arrivals()
    assert arrivals.message(sender=1, media=2) is None
    arrivals.add(1, 0)
    assert arrivals.message(sender=1, media=2)
    assert arrivals.message(sender=1, media=2) is None


def test_what_is_lost_is_told_as_lost_and_not_twice() -> None:
    arrivals = Arrivals()
    arrivals.add(10, 0)
    arrivals.add(13, 5_000)
    assert [at is None for _number, at in told(arrivals.message(sender=1, media=2))] == [False, True, True, False]
    arrivals.add(11, 9_000)
    arrivals.add(14, 10_000)
    assert [number for number, _at in told(arrivals.message(sender=1, media=2))] == [14]


def test_a_long_silence_begins_another_message() -> None:
    arrivals = Arrivals()
    arrivals.add(1, 0)
    arrivals.add(2, 20_000_000)
    assert [number for number, _at in told(arrivals.message(sender=1, media=2))] == [1]
    assert [number for number, _at in told(arrivals.message(sender=1, media=2))] == [2]


def test_a_leap_is_another_beginning() -> None:
    arrivals = Arrivals()
    arrivals.add(1, 0)
    arrivals.add(20_000, 1_000)
    assert [number for number, _at in told(arrivals.message(sender=1, media=2))] == [1]
    assert [number for number, _at in told(arrivals.message(sender=1, media=2))] == [20_000]


def test_who_counts_like_nobody_fills_no_memory() -> None:
    arrivals = Arrivals()
    for step in range(20_000):
        arrivals.add(step * 12_345 & 0xFFFF, step)
    assert len(arrivals._at) <= 1_001
    assert arrivals.message(sender=1, media=2)
