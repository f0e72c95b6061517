"""A track as one viewer gets it: under numbers of its own, which go on counting when another source is put in."""

import random
from typing import Final

from signaling.media.packets import Packet, written
from signaling.media.source import Source

_RATE: Final = {"audio": 48_000, "video": 90_000}


class View:
    """One sending m-line towards one viewer. Begins with a key frame where it is video."""

    def __init__(self, *, source: Source, payload_type: int, send_time_id: int | None) -> None:
        self.ssrc = random.getrandbits(31) | 1
        self.source = source
        self.payload_type, self._send_time_id = payload_type, send_time_id
        self._sequence_offset = self._timestamp_offset = 0
        self._last: tuple[int, int] | None = None
        self._is_beginning = False
        self.limit: int | None = None
        """bit/s the viewer's downlink takes, as it says."""
        self.packets = self.octets = 0

    def turn_to(self, source: Source) -> None:
        """Show this one from its next key frame on; its numbers follow those of the one before."""
        if source is not self.source:
            self.source, self._is_beginning = source, True

    def out(self, packet: Packet) -> bytes | None:
        """The packet for this viewer; None while a key frame is awaited."""
        if self._is_beginning:
            if self.source.kind == "video" and not begins_key_frame(packet.payload):
                return None
            self._is_beginning = False
            if self._last is not None:
                sequence, timestamp = self._last
                self._sequence_offset = (sequence + 1 - packet.sequence) & 0xFFFF
                self._timestamp_offset = (timestamp + _RATE[self.source.kind] // 15 - packet.timestamp) & 0xFFFFFFFF
        self.packets += 1
        self.octets += len(packet.payload)
        return self._numbered(packet)

    def again(self, sequence: int) -> bytes | None:
        """The packet this viewer missed, while it is kept."""
        packet = self.source.kept((sequence - self._sequence_offset) & 0xFFFF)
        return self._numbered(packet) if packet is not None else None

    def timestamp_of(self, timestamp: int) -> int:
        """The source's RTP time in this view's count."""
        return (timestamp + self._timestamp_offset) & 0xFFFFFFFF

    def _numbered(self, packet: Packet) -> bytes:
        sequence = (packet.sequence + self._sequence_offset) & 0xFFFF
        timestamp = (packet.timestamp + self._timestamp_offset) & 0xFFFFFFFF
        if self._last is None or (sequence - self._last[0]) & 0xFFFF < 0x8000:
            self._last = sequence, timestamp
        return written(
            packet,
            payload_type=self.payload_type,
            ssrc=self.ssrc,
            sequence=sequence,
            timestamp=timestamp,
            send_time_id=self._send_time_id,
        )


def begins_key_frame(payload: bytes) -> bool:
    """Whether a VP8 payload is the first of a key frame (RFC 7741 §4.2, §4.3)."""
    if not payload or payload[0] & 0x1F != 0x10:  # start of partition 0
        return False
    at = 1
    if payload[0] & 0x80 and len(payload) > at:
        flags, at = payload[at], at + 1
        if flags & 0x80 and len(payload) > at:
            at += 2 if payload[at] & 0x80 else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    return len(payload) > at and not payload[at] & 1
