"""What a browser's RTCP asks of us: missed packets, key frames, less; and its sender reports, handed on.

RFC 3550 §6, RFC 4585 (NACK, PLI), RFC 5104 (FIR), draft-alvestrand-rmcat-remb-03.
"""

import struct
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from signaling.media.source import Source
from signaling.media.view import View

if TYPE_CHECKING:
    from signaling.media.member import Member

MOST_AGAIN: Final = 600
"""Packets sent again to one browser in a second."""


class Reports:
    """Of one browser."""

    def __init__(self, member: "Member", *, ask_key_frame: Callable[[Source], None]) -> None:
        self._member, self._ask_key_frame = member, ask_key_frame
        self._left = MOST_AGAIN

    def take(self, data: bytes) -> None:
        """A compound packet came; one that is none is nothing."""
        try:
            packets = RtcpPacket.parse(data)
        except (ValueError, IndexError, struct.error):
            return
        for packet in packets:
            self._take(packet)

    def renew(self) -> None:
        """A second passed."""
        self._left = MOST_AGAIN

    def _take(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket):
            self._hand_on(packet)
            self._note_loss(packet.reports)
        elif isinstance(packet, RtcpRrPacket):
            self._note_loss(packet.reports)
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            self._send_again(packet)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_PLI:
            self._begin_anew(self._view(packet.media_ssrc))
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_FIR:
            self._member.ask_key_frames()  # it names its tracks further inside (RFC 5104 §4.3.1): few, and rarely
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            self._note_estimate(packet.fci)

    def _begin_anew(self, view: View | None) -> None:
        source = (view.coming or view.source) if view is not None else None
        if source is not None:
            self._ask_key_frame(source)

    def _send_again(self, packet: RtcpRtpfbPacket) -> None:
        view, now = self._view(packet.media_ssrc), time.monotonic()
        if view is None:
            return
        for sequence in packet.lost[: self._left]:
            missed = view.again(sequence, now=now)
            if missed is not None:
                self._left -= 1
                self._member.line.send_rtp(missed)

    def _note_estimate(self, fci: bytes) -> None:
        try:
            estimate, _ssrcs = unpack_remb_fci(fci)
        except (ValueError, IndexError, struct.error):
            return
        self._member.downlink.estimated(estimate)

    def _note_loss(self, reports: Sequence[RtcpReceiverInfo]) -> None:
        for report in reports:
            view = self._view(report.ssrc)
            if view is not None and view.kind == "video":
                self._member.downlink.lost(report.fraction_lost / 256)

    def _hand_on(self, report: RtcpSrPacket) -> None:
        source = self._member.source(report.ssrc)
        if source is None:
            return
        told = report.sender_info
        source.heard_from_sender(told.ntp_timestamp, told.rtp_timestamp, now=time.monotonic())
        for viewer, view in self._member.watchers_of(report.ssrc):
            if view.source is not source:
                continue
            info = RtcpSenderInfo(
                ntp_timestamp=told.ntp_timestamp,
                rtp_timestamp=view.timestamp_of(told.rtp_timestamp),
                packet_count=view.packets & 0xFFFFFFFF,
                octet_count=view.octets & 0xFFFFFFFF,
            )
            viewer.line.send_rtcp(bytes(RtcpSrPacket(ssrc=view.ssrc, sender_info=info)))

    def _view(self, ssrc: int) -> View | None:
        return next((view for view in self._member.views.values() if view.ssrc == ssrc), None)
