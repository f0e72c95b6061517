"""A track as one viewer gets it."""

import pytest

from signaling.media.packets import read
from signaling.media.view import View, begins_key_frame
from tests.signaling.media.streams import DELTA_FRAME, KEY_FRAME, packet, source


def view(kind: str = "video") -> View:
    return View(kind=kind, payload_type=101, send_time_id=None)


def numbers(raw: bytes | None) -> tuple[int, int]:
    """Sequence number and timestamp of what was sent."""
    packet = read(raw or b"", transport_id=None)
    assert packet is not None
    return packet.sequence, packet.timestamp


def test_a_picture_begins_with_a_key_frame() -> None:
    one, shown = source(), view()
    shown.turn_to(one)
    assert shown.out(packet(6, 0, DELTA_FRAME), one, now=0) is None
    assert numbers(shown.out(packet(7, 50, KEY_FRAME), one, now=0)) == (7, 50)
    assert numbers(shown.out(packet(8, 90, DELTA_FRAME), one, now=0)) == (8, 90)


def test_sound_begins_at_once() -> None:
    one, heard = source("audio"), view("audio")
    heard.turn_to(one)
    assert heard.out(packet(7, 50), one, now=0)


def test_it_goes_on_counting_with_another_source_from_its_key_frame_on() -> None:
    first, second, shown = source(), source(ssrc=8), view()
    shown.turn_to(first)
    shown.out(packet(100, 1000, KEY_FRAME), first, now=5.0)
    shown.turn_to(second)
    assert shown.out(packet(7, 50, DELTA_FRAME), second, now=5.0) is None
    assert numbers(shown.out(packet(101, 4000, DELTA_FRAME), first, now=5.1)) == (101, 4000), "until then the first"
    assert numbers(shown.out(packet(8, 90, KEY_FRAME), second, now=5.1)) == (102, 4000 + 6000)
    assert shown.out(packet(102, 7000, DELTA_FRAME), first, now=5.2) is None
    assert shown.timestamp_of(90 + 3000) == 4000 + 6000 + 3000


def test_its_clock_goes_on_while_nothing_is_shown() -> None:
    first, second, heard = source("audio"), source("audio", ssrc=8), view("audio")
    heard.turn_to(first)
    heard.out(packet(1, 960), first, now=1.0)
    heard.turn_to(second)
    assert numbers(heard.out(packet(70, 5), second, now=3.0)) == (2, 960 + 2 * 48_000)


def test_what_a_viewer_missed_is_sent_again() -> None:
    one, shown = source(), view()
    shown.turn_to(one)
    for sequence, payload in ((8, KEY_FRAME), (9, DELTA_FRAME)):
        one.add(packet(sequence, 90, payload), now=0)
        shown.out(packet(sequence, 90, payload), one, now=0)
    assert numbers(shown.again(8, now=0)) == (8, 90)
    assert shown.again(7, now=0) is None, "before it began"
    assert shown.again(10, now=0) is None, "not there yet"


def test_what_was_missed_of_the_source_before_is_not_mistaken() -> None:
    first, second, shown = source(), source(ssrc=8), view()
    shown.turn_to(first)
    shown.out(packet(100, 1000, KEY_FRAME), first, now=0)
    for sequence, payload in ((7, DELTA_FRAME), (8, KEY_FRAME)):
        second.add(packet(sequence, 90, payload), now=0)
    shown.turn_to(second)
    assert numbers(shown.out(packet(8, 90, KEY_FRAME), second, now=0))[0] == 101
    assert shown.again(100, now=0) is None


def test_a_viewer_without_room_gets_the_smaller_size_and_later_the_better_again() -> None:
    high, low, shown = source(), source(ssrc=8), view()
    high.rate, low.rate = 600_000, 100_000
    shown.show([high, low])
    shown.out(packet(1, 0, KEY_FRAME), high, now=0)
    shown.fit(200_000, now=1.0)
    assert shown.coming is low
    shown.out(packet(1, 0, KEY_FRAME), low, now=1.1)
    assert shown.source is low
    for second in range(2, 12):
        shown.fit(None, now=float(second))
        assert shown.coming is None
    shown.fit(None, now=12.0)
    assert shown.coming is high


def test_a_small_tile_gets_the_smallest() -> None:
    high, low, shown = source(), source(ssrc=8), view()
    shown.show([high, low], is_small=True)
    assert shown.coming is low
    shown.show([high, low])
    assert shown.coming is high


def test_a_size_that_is_not_sent_any_more_is_not_waited_for() -> None:
    high, low, shown = source(), source(ssrc=8), view()
    shown.show([high, low])
    for now in (1.0, 2.0):
        high.add(packet(int(now), 0, KEY_FRAME), now=now)
        shown.out(packet(int(now), 0, KEY_FRAME), high, now=now)
    for now in (2.5, 3.5, 4.5):
        low.add(packet(int(now), 0, KEY_FRAME), now=now)
        shown.fit(None, now=now)
    assert shown.coming is low
    shown.out(packet(5, 0, KEY_FRAME), low, now=5.0)
    high.add(packet(3, 0, KEY_FRAME), now=5.0)
    shown.fit(None, now=5.5)
    assert shown.coming is high


def test_who_is_gone_leaves_the_view_as_it_is() -> None:
    one, shown = source(), view()
    shown.show([one])
    shown.out(packet(1, 0, KEY_FRAME), one, now=0)
    shown.show([])
    assert shown.source is one
    assert shown.coming is None


@pytest.mark.parametrize(
    ("payload", "is_key"),
    [
        (b"", False),
        (b"\x10\x00", True),
        (b"\x10\x01", False),
        (b"\x00\x00", False),
        (b"\x90\x80\x81\x02\x00", True),
        (b"\x90\xe0\x01\x02\x03\x00", True),
        (b"\x90", False),
    ],
)
def test_key_frames_are_known_by_their_first_packet(payload: bytes, is_key: bool) -> None:
    assert begins_key_frame(payload) is is_key
