"""A track that somebody sends: what arrived of it, what is missing, and the latest packets for whoever missed them."""

from typing import Final

from aiortc.rtp import RTCP_PSFB_PLI, RTCP_RTPFB_NACK, RtcpPsfbPacket, RtcpReceiverInfo, RtcpRtpfbPacket

from signaling.media.packets import Packet

HISTORY: Final = 512
"""Packets kept for who asks again: some seconds of video."""
LONGEST_GAP: Final = 256
"""Packets; more missing than that is a new beginning."""
ASK_AGAIN: Final = 0.1  # seconds
MOST_ASKS: Final = 8
KEY_FRAME_EVERY: Final = 0.3  # seconds


class Source:
    """One RTP stream of one sender."""

    def __init__(self, *, kind: str, ssrc: int, codec: str, payload_type: int, clock_rate: int) -> None:
        """`codec` as in SDP (`VP8`), `clock_rate` in Hz."""
        self.kind, self.ssrc, self.codec = kind, ssrc, codec
        self.payload_type, self._clock_rate = payload_type, clock_rate
        self._history: list[Packet | None] = [None] * HISTORY
        self._missing: dict[int, tuple[float, int]] = {}
        self._first = self._highest = -1
        self._received = self._received_before = self._expected_before = 0
        self._jitter, self._transit = 0.0, 0.0
        self._report = (0, 0.0)
        self._asked_key_at = 0.0
        self.bytes = 0

    def add(self, packet: Packet, *, now: float) -> bool:
        """Take a packet that arrived at `now` seconds; whether it is new."""
        full = self._full(packet.sequence)
        if full > self._highest:
            if self._highest >= 0 and full - self._highest <= LONGEST_GAP:
                for gone in range(self._highest + 1, full):
                    self._missing[gone] = (0.0, 0)
            elif self._highest >= 0:
                self._missing.clear()
            self._highest = full
            if self._first < 0:
                self._first = full
        elif self._missing.pop(full, None) is None and self.kind == "video":
            return False
        self._history[full % HISTORY] = packet
        self._received += 1
        self.bytes += len(packet.payload)
        transit = now * self._clock_rate - packet.timestamp
        if self._received > 1:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16  # RFC 3550 A.8
        self._transit = transit
        return True

    def kept(self, sequence: int) -> Packet | None:
        """The packet of that number, while it is kept."""
        packet = self._history[self._full(sequence) % HISTORY]
        return packet if packet is not None and packet.sequence == sequence else None

    def heard_from_sender(self, ntp_timestamp: int, *, now: float) -> None:
        """A sender report came."""
        self._report = (ntp_timestamp >> 16) & 0xFFFFFFFF, now

    def missing(self, *, own: int, now: float) -> RtcpRtpfbPacket | None:
        """A request for what is missing (RFC 4585 §6.2.1), each packet at most eight times."""
        if self.kind != "video":
            return None
        asked = []
        for full, (at, times) in list(self._missing.items()):
            if times >= MOST_ASKS or full <= self._highest - HISTORY:
                del self._missing[full]
            elif now - at >= ASK_AGAIN:
                self._missing[full] = now, times + 1
                asked.append(full & 0xFFFF)
        if not asked:
            return None
        return RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=own, media_ssrc=self.ssrc, lost=asked[:LONGEST_GAP])

    def key_frame_request(self, *, own: int, now: float) -> RtcpPsfbPacket | None:
        """A picture loss indication (RFC 4585 §6.3.1), not more often than three times a second."""
        if self.kind != "video" or now - self._asked_key_at < KEY_FRAME_EVERY:
            return None
        self._asked_key_at = now
        return RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=own, media_ssrc=self.ssrc)

    def reception(self, *, now: float) -> RtcpReceiverInfo | None:
        """How well it arrives (RFC 3550 §6.4.1), since the last time asked."""
        if self._first < 0:
            return None
        expected = self._highest - self._first + 1
        expected_now, received_now = expected - self._expected_before, self._received - self._received_before
        self._expected_before, self._received_before = expected, self._received
        lost_now = max(0, expected_now - received_now)
        heard, at = self._report
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=min(255, (lost_now << 8) // expected_now) if expected_now else 0,
            packets_lost=max(-0x800000, min(0x7FFFFF, expected - self._received)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter),
            lsr=heard,
            dlsr=min(0xFFFFFFFF, int((now - at) * 65_536)) if heard else 0,
        )

    def _full(self, sequence: int) -> int:
        """The number that goes on counting where sixteen bits begin anew."""
        if self._highest < 0:
            return sequence + 0x10000  # what comes late may be before the first
        step = (sequence - self._highest) & 0xFFFF
        return self._highest + (step if step < 0x8000 else step - 0x10000)
