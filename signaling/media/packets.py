"""RTP as bytes (RFC 3550 §5.1): what is read of a packet, and the same packet under another number.

Payloads stay what they are: they may be encrypted from end to end.
"""

import struct
import time
from dataclasses import dataclass
from typing import Final

ONE_BYTE: Final = 0xBEDE
"""The profile of one-byte header extensions (RFC 8285 §4.2)."""
_HEAD: Final = struct.Struct("!BBHII")
_WITH_SEND_TIME: Final = struct.Struct("!BBHIIHHI")


@dataclass(frozen=True, slots=True)
class Packet:
    """What a forwarder has to know of one."""

    payload_type: int
    marker: int
    """128 or 0."""
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    transport_sequence: int | None
    """Its number on the whole line, where the sender counts (transport-wide congestion control)."""


def read(data: bytes, *, transport_id: int | None) -> Packet | None:
    """One packet; None for what is none. `transport_id`: which header extension has the number on the line."""
    if len(data) < 12:
        return None
    first, second, sequence, timestamp, ssrc = _HEAD.unpack_from(data)
    at = 12 + 4 * (first & 0x0F)
    number = None
    if first & 0x10:
        if len(data) < at + 4:
            return None
        profile, words = struct.unpack_from("!HH", data, at)
        start, at = at + 4, at + 4 + 4 * words
        if transport_id is not None and profile == ONE_BYTE:
            number = _transport_sequence(data[start:at], transport_id)
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if first >> 6 != 2 or at > end:
        return None
    return Packet(second & 0x7F, second & 0x80, sequence, timestamp, ssrc, data[at:end], number)


def written(
    packet: Packet, *, payload_type: int, ssrc: int, sequence: int, timestamp: int, send_time_id: int | None
) -> bytes:
    """The packet for one viewer, with the time it is sent at where the viewer reckons its downlink by that."""
    second = packet.marker | payload_type
    if send_time_id is None:
        return _HEAD.pack(0x80, second, sequence, timestamp, ssrc) + packet.payload
    send_time = int(time.time() * 262_144) & 0xFFFFFF  # 6.18 fixed point seconds (abs-send-time)
    extension = (send_time_id << 28) | (2 << 24) | send_time
    return _WITH_SEND_TIME.pack(0x90, second, sequence, timestamp, ssrc, ONE_BYTE, 1, extension) + packet.payload


def _transport_sequence(block: bytes, wanted: int) -> int | None:
    at = 0
    while at < len(block):
        id, length = block[at] >> 4, (block[at] & 0x0F) + 1
        if id == 15:
            return None
        if block[at] == 0:  # padding
            at += 1
            continue
        if id == wanted and length == 2 and at + 3 <= len(block):
            return int.from_bytes(block[at + 1 : at + 3], "big")
        at += 1 + length
    return None
