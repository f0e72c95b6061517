"""A track as one viewer gets it."""

import pytest

from signaling.media.packets import read
from signaling.media.view import View, begins_key_frame
from tests.signaling.media.streams import DELTA_FRAME, KEY_FRAME, packet, source


def test_it_goes_on_counting_with_another_source() -> None:
    first, second = source(), source(ssrc=8)
    view = View(source=first, payload_type=101, send_time_id=None)
    sent = read(view.out(packet(100, 1000, KEY_FRAME)) or b"", transport_id=None)
    assert sent is not None
    assert sent.sequence == 100
    view.turn_to(second)
    assert view.out(packet(7, 50, DELTA_FRAME)) is None, "a key frame is awaited"
    sent = read(view.out(packet(8, 90, KEY_FRAME)) or b"", transport_id=None)
    assert sent is not None
    assert (sent.sequence, sent.timestamp) == (101, 1000 + 6000)


def test_what_a_viewer_missed_is_sent_again() -> None:
    one = source()
    view = View(source=one, payload_type=101, send_time_id=None)
    one.add(packet(8, 90, KEY_FRAME), now=0)
    view.out(packet(8, 90, KEY_FRAME))
    again = read(view.again(8) or b"", transport_id=None)
    assert again is not None
    assert again.sequence == 8
    assert view.again(7) is None


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
