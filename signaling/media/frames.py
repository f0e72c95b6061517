"""Encoded frames out of RTP packets: put in order and together, never decoded (VP8: RFC 7741, Opus: RFC 7587)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from signaling.media.packets import Packet

WAIT: Final = 0.6
"""Seconds a packet is waited for that was lost: about as long as it is asked for again."""
MOST_WAITING: Final = 2_000
"""Packets; with more of them the missing one is given up."""
LARGEST_FRAME: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame, or 20 ms of sound."""

    timestamp: int
    """RTP time, 32 bits."""
    arrived: float
    """When its first packet came, seconds (monotonic)."""
    payload: bytes
    is_key: bool = True


class Ordered:
    """Packets of one source in the order of their numbers; what is late is waited for."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Packet, float]] = {}
        self._next: int | None = None

    def add(self, packet: Packet, arrived: float) -> None:
        """Take a packet as it came."""
        full = self._full(packet.sequence)
        if self._next is None:
            self._next = full
        if full >= self._next:
            self._waiting[full] = packet, arrived

    def ready(self, *, now: float, wait: float = WAIT) -> Iterator[tuple[Packet, float, bool]]:
        """What can be told now: packets, when they came, and whether something is missing before them."""
        while self._waiting:
            assert self._next is not None
            is_gap = self._next not in self._waiting
            if is_gap:
                first = min(self._waiting)
                if now - self._waiting[first][1] < wait and len(self._waiting) < MOST_WAITING:
                    return
                self._next = first
            packet, arrived = self._waiting.pop(self._next)
            self._next += 1
            yield packet, arrived, is_gap

    def _full(self, sequence: int) -> int:
        """The number that goes on counting where sixteen bits begin anew."""
        if self._next is None:
            return sequence + 0x10000
        step = (sequence - self._next) & 0xFFFF
        return self._next + (step if step < 0x8000 else step - 0x10000)


class Assembler(Protocol):
    """Makes frames of one codec's packets."""

    waits_for_key: bool

    def add(self, packet: Packet, arrived: float, *, is_after_gap: bool) -> Frame | None:
        """The next packet in order; the frame that is whole with it."""


class OpusFrames:
    """A packet is a frame (RFC 7587 §4.2)."""

    waits_for_key = False

    def add(self, packet: Packet, arrived: float, *, is_after_gap: bool) -> Frame | None:
        """Every packet decodes by itself."""
        return Frame(packet.timestamp, arrived, packet.payload)


class Vp8Frames:
    """Frames of a picture from a key frame on. Where a frame is lost, those after it wait for the next key frame."""

    def __init__(self) -> None:
        self.waits_for_key = True
        self._parts: list[bytes] = []
        self._size, self._timestamp, self._arrived = 0, 0, 0.0
        self._picture: int | None = None
        self._was_end = True

    def add(self, packet: Packet, arrived: float, *, is_after_gap: bool) -> Frame | None:
        """Put the packet to its frame."""
        begin, picture, part = _described(packet.payload)
        if is_after_gap and not (self._was_end and begin and self._follows(picture)):
            self._lose()
        if begin:
            if self._parts:
                self._lose()
            self._parts, self._size, self._timestamp, self._arrived = [], 0, packet.timestamp, arrived
        elif not self._parts or packet.timestamp != self._timestamp:
            self._lose()
            return None
        self._parts.append(part)
        self._size += len(part)
        self._was_end, self._picture = bool(packet.marker), picture
        if self._size > LARGEST_FRAME:
            self._lose()
        return self._whole() if packet.marker and self._parts else None

    def _whole(self) -> Frame | None:
        payload = b"".join(self._parts)
        self._parts = []
        is_key = bool(payload) and not payload[0] & 1  # RFC 6386 §9.1
        if is_key and picture_size(payload) is None:  # nobody can begin with it, nor go on behind it
            self._lose()
            return None
        if self.waits_for_key and not is_key:
            return None
        self.waits_for_key = False
        return Frame(self._timestamp, self._arrived, payload, is_key)

    def _follows(self, picture: int | None) -> bool:
        """The picture is the next one by its own number: what was missing was padding."""
        if picture is None or self._picture is None:
            return False
        return (picture - self._picture) & 0x7F == 1

    def _lose(self) -> None:
        self._parts, self.waits_for_key, self._was_end = [], True, False


def picture_size(payload: bytes) -> tuple[int, int] | None:
    """Width and height that a VP8 key frame says (RFC 6386 §9.1); None for any other, and where it has no size."""
    if len(payload) < 10 or payload[0] & 1 or payload[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = (int.from_bytes(payload[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return (width, height) if width and height else None


def _described(payload: bytes) -> tuple[bool, int | None, bytes]:
    """Whether a payload begins a frame, the picture's number, and what follows the descriptor (RFC 7741 §4.2)."""
    first, at, picture = payload[0], 1, None
    if first & 0x80 and len(payload) > at:
        flags, at = payload[at], at + 1
        if flags & 0x80 and len(payload) > at:
            is_long = bool(payload[at] & 0x80)
            picture = payload[at + is_long] if len(payload) > at + is_long else None
            at += 1 + is_long
        at += bool(flags & 0x40) + bool(flags & 0x30)
    return first & 0x1F == 0x10, picture, payload[at:]
