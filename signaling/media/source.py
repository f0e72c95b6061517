"""A track that somebody sends: what arrived of it, what is missing, and the latest packets for whoever missed them."""

from collections.abc import Callable
from typing import Final

from aiortc.rtp import RTCP_PSFB_PLI, RTCP_RTPFB_NACK, RtcpPsfbPacket, RtcpReceiverInfo, RtcpRtpfbPacket

from signaling.media.packets import Packet

HISTORY: Final = 512
"""Packets of a picture kept for who asks again: some seconds."""
LONGEST_GAP: Final = 256
"""Packets; more missing than that is a new beginning."""
ASK_AGAIN: Final = 0.1  # seconds
MOST_ASKS: Final = 8
KEY_FRAME_EVERY: Final = 0.3  # seconds

Sink = Callable[[Packet, float], None]
"""Called with each packet that is new and when it arrived (seconds, monotonic), in the order of arrival: what was
asked for again comes late, so who writes them down orders them by `Packet.sequence`. It must not wait, nor raise."""


class Source:
    """One RTP stream of one sender (RFC 3550)."""

    def __init__(
        self, *, kind: str, ssrc: int, codec: str, payload_type: int, clock_rate: int, stream: str = ""
    ) -> None:
        """`codec` as in SDP (`video/VP8`), `clock_rate` in Hz, `stream`: the id of its MediaStream with the sender."""
        self.kind, self.ssrc, self.codec, self.stream = kind, ssrc, codec, stream
        self.payload_type, self.clock_rate = payload_type, clock_rate
        self.sinks: list[Sink] = []
        """Who else gets its packets: a recorder."""
        self.clock: tuple[int, int] | None = None
        """NTP time (64 bits) and RTP time of one instant, as the sender said last (RFC 3550 §6.4.1): by these the sound
        and the picture of one sender are put side by side."""
        self.rate = 0
        """bit/s of payload, as last measured."""
        self.came_at = float("-inf")
        """When the last packet came (seconds, monotonic)."""
        self._history: list[Packet | None] = [None] * (HISTORY if kind == "video" else 0)
        self._missing: dict[int, tuple[float, int]] = {}
        self._first = self._highest = -1
        self._received = self._received_before = self._expected_before = 0
        self._jitter, self._transit = 0.0, 0.0
        self._heard_at = self._asked_key_at = 0.0
        self._octets = 0

    def add(self, packet: Packet, *, now: float) -> bool:
        """Take a packet that arrived at `now` seconds; whether it is new."""
        full = self._full(packet.sequence)
        if full > self._highest:
            self._miss(full)
            self._highest = full
            if self._first < 0:
                self._first = full
        elif self._missing.pop(full, None) is None:
            return False
        if self._history:
            self._history[full % HISTORY] = packet
        self._received += 1
        self.came_at = now
        self._octets += len(packet.payload)
        transit = now * self.clock_rate - packet.timestamp
        if self._received > 1:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16  # RFC 3550 A.8
        self._transit = transit
        for sink in self.sinks:
            sink(packet, now)
        return True

    def kept(self, sequence: int) -> Packet | None:
        """The packet of that number, while it is kept."""
        packet = self._history[self._full(sequence) % HISTORY] if self._history else None
        return packet if packet is not None and packet.sequence == sequence else None

    def heard_from_sender(self, ntp_time: int, rtp_time: int, *, now: float) -> None:
        """A sender report came."""
        self.clock, self._heard_at = (ntp_time, rtp_time), now

    def measure(self, seconds: float) -> None:
        """Reckon `rate` over the last `seconds`."""
        self.rate, self._octets = int(self._octets * 8 / seconds), 0

    def missing(self, *, own: int, now: float) -> RtcpRtpfbPacket | None:
        """A request for what is missing (RFC 4585 §6.2.1), each packet at most eight times; sound goes on without."""
        asked = []
        for full, (at, times) in list(self._missing.items()):
            if times >= MOST_ASKS or full <= self._highest - HISTORY:
                del self._missing[full]
            elif self.kind == "video" and now - at >= ASK_AGAIN:
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
        heard = (self.clock[0] >> 16) & 0xFFFFFFFF if self.clock else 0
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=min(255, (lost_now << 8) // expected_now) if expected_now else 0,
            packets_lost=max(-0x800000, min(0x7FFFFF, expected - self._received)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(0xFFFFFFFF, int(self._jitter)),
            lsr=heard,
            dlsr=min(0xFFFFFFFF, int((now - self._heard_at) * 65_536)) if heard else 0,
        )

    def _miss(self, full: int) -> None:
        if self._highest < 0:
            return
        if full - self._highest > LONGEST_GAP or len(self._missing) > HISTORY:
            self._missing.clear()
            return
        for gone in range(self._highest + 1, full):
            self._missing[gone] = (0.0, 0)

    def _full(self, sequence: int) -> int:
        """The number that goes on counting where sixteen bits begin anew."""
        if self._highest < 0:
            return sequence + 0x10000  # what comes late may be before the first
        step = (sequence - self._highest) & 0xFFFF
        return self._highest + (step if step < 0x8000 else step - 0x10000)
