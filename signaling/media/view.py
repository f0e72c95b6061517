"""A track as one viewer gets it: under numbers of its own, which go on counting when another source is put in."""

import random
from collections.abc import Sequence
from typing import Final

from signaling.media.layers import Layers, flowing
from signaling.media.packets import Packet, written
from signaling.media.source import HISTORY, Source

_RATE: Final = {"audio": 48_000, "video": 90_000}
SILENT: Final = 2.0
"""Seconds after which a size of a picture is taken for gone."""
_FRAME: Final = 1 / 15
"""Seconds: the least that two pictures of different sources are apart."""


class View:
    """One sending m-line towards one viewer. A picture begins with a key frame."""

    def __init__(self, *, kind: str, payload_type: int, send_time_id: int | None) -> None:
        """`payload_type` and `send_time_id` (the header extension of abs-send-time) as the viewer offered them."""
        self.kind = kind
        self.ssrc = random.getrandbits(31) | 1
        self.payload_type, self.send_time_id = payload_type, send_time_id
        self.source: Source | None = None
        """What is shown."""
        self.coming: Source | None = None
        """What is shown from its next key frame on."""
        self.packets = self.octets = 0
        self._layers: tuple[Source, ...] = ()
        self._choice = Layers()
        self._is_small = False
        self._sequence_offset = self._timestamp_offset = 0
        self._last: tuple[int, int, float] | None = None
        self._span = 0
        """How many packets of this source there are to send again."""

    def show(self, layers: Sequence[Source], *, is_small: bool = False) -> None:
        """Show one of these, the best first: the same picture in several sizes. `is_small`: the last is enough."""
        self._layers, self._is_small = tuple(layers), is_small
        self._turn(self._wish())

    def fit(self, room: int | None, *, now: float) -> None:
        """Choose the size that a viewer with `room` bit/s for this picture gets; None: its line is not full.

        What is not sent any more, because the sender's own line is thin, is not waited for.
        """
        self._choice.decide(room=room, rates=[source.rate for source in self._layers], now=now)
        self._turn(flowing(self._wish(), [now - source.came_at < SILENT for source in self._layers]))

    def turn_to(self, source: Source) -> None:
        """Show this one from its next key frame on, and until then what was shown before."""
        self.coming = None if source is self.source else source

    @property
    def is_layered(self) -> bool:
        """Whether there is something smaller to turn to, or it is shown already."""
        return len(self._layers) > 1

    def out(self, packet: Packet, source: Source, *, now: float) -> bytes | None:
        """A packet of `source` for this viewer; None where it is not shown, or not yet."""
        if source is self.coming:
            if self.kind == "video" and not begins_key_frame(packet.payload):
                return None
            self._begin(packet, source, now)
            sent, self._span = self._numbered(packet, now), 0
        elif source is self.source:
            sent = self._numbered(packet, now)
        else:
            return None
        self.packets += 1
        self.octets += len(packet.payload)
        return sent

    def again(self, sequence: int, *, now: float) -> bytes | None:
        """The packet this viewer missed, while it is kept and was this source's."""
        if self.source is None or self._last is None or (self._last[0] - sequence) & 0xFFFF > self._span:
            return None
        packet = self.source.kept((sequence - self._sequence_offset) & 0xFFFF)
        return self._numbered(packet, now) if packet is not None else None

    def timestamp_of(self, timestamp: int) -> int:
        """The source's RTP time in this view's count."""
        return (timestamp + self._timestamp_offset) & 0xFFFFFFFF

    def _wish(self) -> int:
        lowest = len(self._layers) - 1
        return lowest if self._is_small else min(self._choice.level, lowest)

    def _turn(self, level: int) -> None:
        if self._layers:
            self.turn_to(self._layers[level])
        else:
            self.coming = None

    def _begin(self, packet: Packet, source: Source, now: float) -> None:
        self.source, self.coming = source, None
        if self._last is not None:
            sequence, timestamp, at = self._last
            passed = int(max(_FRAME, now - at) * _RATE[self.kind])
            self._sequence_offset = (sequence + 1 - packet.sequence) & 0xFFFF
            self._timestamp_offset = (timestamp + passed - packet.timestamp) & 0xFFFFFFFF

    def _numbered(self, packet: Packet, now: float) -> bytes:
        sequence = (packet.sequence + self._sequence_offset) & 0xFFFF
        timestamp = self.timestamp_of(packet.timestamp)
        step = (sequence - self._last[0]) & 0xFFFF if self._last is not None else 0
        if step < 0x8000:
            self._last = sequence, timestamp, now
            self._span = min(HISTORY, self._span + step)
        return written(
            packet,
            payload_type=self.payload_type,
            ssrc=self.ssrc,
            sequence=sequence,
            timestamp=timestamp,
            send_time_id=self.send_time_id,
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
