"""Packets and sources as a sender's would be."""

from signaling.media.packets import Packet
from signaling.media.source import Source

KEY_FRAME = b"\x10" + bytes(10)
"""The beginning of a VP8 key frame (RFC 7741 §4.2)."""
DELTA_FRAME = b"\x10\x01" + bytes(9)


def packet(
    sequence: int, timestamp: int = 0, payload: bytes = b"x", ssrc: int = 7, number: int | None = None
) -> Packet:
    """One of a picture."""
    return Packet(96, 0, sequence & 0xFFFF, timestamp, ssrc, payload, number)


def source(kind: str = "video", ssrc: int = 7) -> Source:
    """One that nothing came of yet."""
    return Source(kind=kind, ssrc=ssrc, codec="VP8", payload_type=96, clock_rate=90_000)
