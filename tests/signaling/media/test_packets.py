"""RTP as bytes (RFC 3550 §5.1, RFC 8285)."""

import struct

import pytest

from signaling.media.packets import read, written
from tests.signaling.media.streams import packet


@pytest.mark.parametrize("send_time_id", [None, 3])
def test_a_packet_is_read_as_it_was_written(send_time_id: int | None) -> None:
    raw = written(packet(5, 9, b"abc"), payload_type=100, ssrc=9, sequence=6, timestamp=10, send_time_id=send_time_id)
    back = read(raw, transport_id=None)
    assert back is not None
    assert (back.payload_type, back.sequence, back.timestamp, back.ssrc, back.payload) == (100, 6, 10, 9, b"abc")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x80" * 11, id="half a head"),
        pytest.param(b"\x90" + bytes(11), id="an extension that is not there"),
        pytest.param(b"\x90" + bytes(13) + b"\xff\xff", id="an extension longer than the packet"),
        pytest.param(b"\xa0" + bytes(11) + b"\xff", id="more padding than packet"),
        pytest.param(b"\x40" + bytes(20), id="another version"),
        pytest.param(b"\x8f" + bytes(12), id="contributors that are not there"),
    ],
)
def test_what_is_no_rtp_is_none(raw: bytes) -> None:
    assert read(raw, transport_id=1) is None


def test_padding_is_no_payload() -> None:
    back = read(struct.pack("!BBHII", 0xA0, 96, 1, 2, 3) + b"ab\0\0\3", transport_id=None)
    assert back is not None
    assert back.payload == b"ab"


@pytest.mark.parametrize(
    ("block", "number"),
    [
        pytest.param("10aa 311234 000000", 0x1234, id="behind another"),
        pytest.param("000000 311234 10aa", 0x1234, id="behind padding"),
        pytest.param("32123456 00000000", None, id="of another length"),
        pytest.param("f0 311234 00000000", None, id="behind the end"),
        pytest.param("10aa 10aa 10aa 3112", None, id="cut off"),
    ],
)
def test_the_number_on_the_line_is_found(block: str, number: int | None) -> None:
    raw = struct.pack("!BBHIIHH", 0x90, 96, 1, 2, 3, 0xBEDE, 2) + bytes.fromhex(block) + b"p"
    back = read(raw, transport_id=3)
    assert back is not None
    assert back.transport_sequence == number
