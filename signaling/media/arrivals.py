"""When packets arrived, told to the browser that sent them, so that it can reckon its uplink by itself.

Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3): without it a browser climbs
by 8 % a second.
"""

import struct
from typing import Final

from aiortc.rtp import RTCP_RTPFB, pack_rtcp_packet

_FORMAT: Final = 15
_TICK: Final = 250  # µs, of a delta
_REFERENCE: Final = 64_000  # µs, of the reference time
_MOST: Final = 1_000
"""Packets one message speaks of."""
_SMALL, _LARGE = 1, 2


class Arrivals:
    """Those of one line, since the last message."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}
        self._highest: int | None = None
        self._next: int | None = None
        self._count = 0

    def add(self, sequence: int, at: int) -> None:
        """Packet number `sequence` (16 bits) arrived at `at` µs."""
        if len(self._at) > _MOST:  # no browser counts like this
            self._at.clear()
            self._next = None
        self._highest = full = _unwrapped(sequence, self._highest)
        if self._next is None:
            self._next = full
        if full >= self._next:
            self._at[full] = at
            self._highest = max(full, self._highest)

    def message(self, *, sender: int, media: int) -> bytes | None:
        """What to send now; None where nothing arrived. `sender` and `media` are SSRCs."""
        if not self._at or self._next is None:
            return None
        arrived = sorted(self._at)
        first, last = self._next, arrived[-1]
        if last - first >= _MOST:  # a gap this long is no loss but another beginning
            first = arrived[0]
            last = max(full for full in arrived if full - first < _MOST)
        known = [full for full in arrived if full <= last]
        reference = self._at[known[0]] // _REFERENCE
        clock, statuses, deltas = reference * _REFERENCE, [], bytearray()
        told = first
        for full in range(first, last + 1):
            at = self._at.get(full)
            if at is None:
                statuses.append(0)
            else:
                delta = round((at - clock) / _TICK)
                if not -0x8000 <= delta <= 0x7FFF:
                    break
                clock += delta * _TICK
                statuses.append(_SMALL if 0 <= delta <= 0xFF else _LARGE)
                deltas += struct.pack("!B" if 0 <= delta <= 0xFF else "!h", delta)
            told = full + 1
        self._at = {full: at for full, at in self._at.items() if full >= told}
        self._next = told
        head = struct.pack("!IIHHI", sender, media, first & 0xFFFF, len(statuses), _reference(reference, self._count))
        self._count = (self._count + 1) & 0xFF
        body = head + _chunks(statuses) + bytes(deltas)
        return pack_rtcp_packet(RTCP_RTPFB, _FORMAT, body + bytes(-len(body) % 4))


def _reference(time: int, count: int) -> int:
    return ((time & 0xFFFFFF) << 8) | count


def _chunks(statuses: list[int]) -> bytes:
    """Seven packets a chunk, two bits each (§3.1.4)."""
    chunks = bytearray()
    for at in range(0, len(statuses), 7):
        seven = statuses[at : at + 7] + [0] * 7
        bits = 0
        for status in seven[:7]:
            bits = (bits << 2) | status
        chunks += struct.pack("!H", 0xC000 | bits)
    return bytes(chunks)


def _unwrapped(sequence: int, highest: int | None) -> int:
    """The number that goes on counting where sixteen bits begin anew."""
    if highest is None:
        return sequence
    full = (highest & ~0xFFFF) | sequence
    if full - highest > 0x8000 and full >= 0x10000:
        return full - 0x10000
    return full + 0x10000 if highest - full > 0x8000 else full
