"""A room whose media pass through us: what one sends the others get, packet by packet, never decoded.

Each browser has one line to us and always offers. It names, for each m-line it only receives on, whose track it wants.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiortc import RTCCertificate
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    pack_remb_fci,
    unpack_remb_fci,
)

from signaling.media.answering import BadOffer, Offer, answer, read_offer
from signaling.media.arrivals import Arrivals
from signaling.media.line import Line
from signaling.media.packets import read
from signaling.media.source import Source
from signaling.media.view import View

TICK: Final = 0.05  # seconds
REPORT_EVERY: Final = 20  # ticks
LEAST: Final = 60_000
"""bit/s of picture below which no viewer holds a sender: who has less gets fewer tracks."""
SOUND: Final = 48_000
"""bit/s a sender's limit leaves to its sound, of which viewers' estimates know nothing."""
UNBOUND: Final = 20_000_000
CONGESTED: Final = 1.2
"""A viewer's estimate follows what it gets at one and a half times; one nearer than this says that the line is full."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose track of a kind a browser wants on one of its m-lines."""

    pid: uuid.UUID
    kind: str
    name: str = ""
    """Which of several: the m-line of the sender's."""


class Member:
    """One browser in the room."""

    def __init__(self, forwarder: "Forwarder", pid: uuid.UUID) -> None:
        self._forwarder, self.pid = forwarder, pid
        self.ssrc = random.getrandbits(31) | 1
        self.sources: dict[str, Source] = {}
        self.views: dict[str, View] = {}
        self._by_ssrc: dict[int, Source] = {}
        self._watchers: dict[int, list[tuple[Member, View]]] = {}
        self._transport_id: int | None = None
        self._arrivals = Arrivals()
        self._ufrag = ""
        self.limit: int | None = None
        self._sent_rate, self._octets = 0.0, 0
        self.line = Line(
            rtp=self._take_rtp, rtcp=self._take_rtcp, changed=self._line_changed, certificate=forwarder.certificate
        )
        self._opening: asyncio.Task[None] | None = None

    async def negotiate(self, offer: Offer, wants: Mapping[str, Wanted]) -> str:
        """Take the offer, first or later; our answer. Raises BadOffer for another connection's."""
        if self._ufrag and offer.ice.usernameFragment != self._ufrag:
            raise BadOffer("another connection")
        ups = {mid: one for mid, one in offer.sections.items() if one.is_up}
        self._transport_id = next((one.extension for one in ups.values() if one.extension is not None), None)
        for mid, one in ups.items():
            if one.ssrc and (mid not in self.sources or self.sources[mid].ssrc != one.ssrc):
                self.sources[mid] = Source(
                    kind=one.kind,
                    ssrc=one.ssrc,
                    codec=one.codec.mimeType,
                    payload_type=one.payload_type,
                    clock_rate=one.codec.clockRate,
                )
        self.sources = {mid: one for mid, one in self.sources.items() if mid in ups}
        self._by_ssrc = {source.ssrc: source for source in self.sources.values()}
        sending = {}
        views = {}
        for mid, one in offer.sections.items():
            wanted = wants.get(mid)
            source = self._forwarder.source_of(wanted) if wanted and not one.is_up else None
            if source is None or wanted is None:
                continue
            view = self.views.get(mid)
            if view is None:
                view = View(source=source, payload_type=one.payload_type, send_time_id=one.extension)
            view.turn_to(source)
            views[mid] = view
            sending[mid] = view.ssrc, str(wanted.pid)
        self.views = views
        ice, candidates, dtls = await self.line.gather()
        if not self._ufrag:
            self._ufrag = offer.ice.usernameFragment or ""
            self._opening = asyncio.create_task(self.line.open(offer.ice, offer.candidates, offer.dtls))
        self._forwarder.rewire()
        if self.line.is_open:
            self.ask_key_frames()
        return answer(offer, sending=sending, ice=ice, candidates=candidates, dtls=dtls)

    def ask_key_frames(self) -> None:
        """Of everybody whose picture this one waits for."""
        for view in self.views.values():
            self._forwarder.ask_key_frame(view.source)

    def watched_by(self, watchers: dict[int, list[tuple["Member", View]]]) -> None:
        """By SSRC of our sources, who gets them."""
        self._watchers = watchers

    def ask_for_key_frame(self, source: Source) -> None:
        """Have this sender begin its picture anew."""
        request = source.key_frame_request(own=self.ssrc, now=time.monotonic())
        if request is not None:
            self.line.send_rtcp(bytes(request))

    def tick(self, count: int) -> None:
        """What goes back to this sender now."""
        now = time.monotonic()
        feedback = self._arrivals.message(sender=self.ssrc, media=next(iter(self._by_ssrc), 0))
        out: list[bytes] = [feedback] if feedback else []
        out += [bytes(asked) for source in self.sources.values() if (asked := source.missing(own=self.ssrc, now=now))]
        if count % REPORT_EVERY == 0:
            reports = [told for source in self.sources.values() if (told := source.reception(now=now))]
            if reports:
                out.append(bytes(RtcpRrPacket(ssrc=self.ssrc, reports=reports)))
            if reports:
                fci = pack_remb_fci(self._weakest(), list(self._by_ssrc))
                out.append(bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=self.ssrc, media_ssrc=0, fci=fci)))
        for message in out:
            self.line.send_rtcp(message)

    async def close(self) -> None:
        """Take the line down."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        await self.line.close()

    @property
    def share(self) -> int | None:
        """bit/s of picture this viewer's line takes of each sender; None while it is not full."""
        pictures = [view for view in self.views.values() if view.source.kind == "video"]
        if self.limit is None or not pictures or self.limit > CONGESTED * self._sent_rate:
            return None
        return self.limit // len(pictures)

    def measure(self, seconds: float) -> None:
        """Note what was sent to this viewer in the last `seconds`."""
        octets = sum(view.octets for view in self.views.values() if view.source.kind == "video")
        self._sent_rate, self._octets = max(0, octets - self._octets) * 8 / seconds, octets

    def _weakest(self) -> int:
        shares = [
            viewer.share
            for watchers in self._watchers.values()
            for viewer, view in watchers
            if viewer.share is not None and view.source.kind == "video"
        ]
        return max(LEAST, min(shares)) + SOUND if shares else UNBOUND

    def _take_rtp(self, data: bytes) -> None:
        packet = read(data, transport_id=self._transport_id)
        if packet is None:
            return
        now = time.monotonic()
        if packet.transport_sequence is not None:
            self._arrivals.add(packet.transport_sequence, int(now * 1_000_000))
        source = self._by_ssrc.get(packet.ssrc)
        if source is None or packet.payload_type != source.payload_type or not packet.payload:
            return
        if not source.add(packet, now=now):
            return
        for viewer, view in self._watchers.get(packet.ssrc, ()):
            sent = view.out(packet)
            if sent is not None:
                viewer.line.send_rtp(sent)
            else:
                self.ask_for_key_frame(source)

    def _take_rtcp(self, data: bytes) -> None:
        try:
            packets = RtcpPacket.parse(data)
        except ValueError:
            return
        for packet in packets:
            self._take_report(packet)

    def _take_report(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket):
            self._pass_on(packet)
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            view = self._view_of(packet.media_ssrc)
            for sequence in packet.lost if view else ():
                missed = view.again(sequence) if view else None
                if missed is not None:
                    self.line.send_rtp(missed)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
            view = self._view_of(packet.media_ssrc)
            if view is not None:
                self._forwarder.ask_key_frame(view.source)
            elif packet.fmt == RTCP_PSFB_FIR:
                self.ask_key_frames()
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            try:
                self.limit, _ssrcs = unpack_remb_fci(packet.fci)
            except ValueError:
                return

    def _pass_on(self, report: RtcpSrPacket) -> None:
        source = self._by_ssrc.get(report.ssrc)
        if source is None:
            return
        told = report.sender_info
        source.heard_from_sender(told.ntp_timestamp, now=time.monotonic())
        for viewer, view in self._watchers.get(report.ssrc, ()):
            info = RtcpSenderInfo(
                ntp_timestamp=told.ntp_timestamp,
                rtp_timestamp=view.timestamp_of(told.rtp_timestamp),
                packet_count=view.packets & 0xFFFFFFFF,
                octet_count=view.octets & 0xFFFFFFFF,
            )
            viewer.line.send_rtcp(bytes(RtcpSrPacket(ssrc=view.ssrc, sender_info=info)))

    def _view_of(self, ssrc: int) -> View | None:
        return next((view for view in self.views.values() if view.ssrc == ssrc), None)

    def _line_changed(self, state: str) -> None:
        if state == "connected":
            self.ask_key_frames()
        self._forwarder.line_changed(self.pid, state)


class Forwarder:
    """One room."""

    def __init__(self, *, line_changed: Callable[[uuid.UUID, str], None] = lambda _pid, _state: None) -> None:
        self.certificate = RTCCertificate.generateCertificate()
        self.members: dict[uuid.UUID, Member] = {}
        self.line_changed = line_changed
        self._ticking: asyncio.Task[None] | None = None

    async def offer(self, pid: uuid.UUID, sdp: str, wants: Mapping[str, Wanted]) -> str:
        """Our answer to what a member's browser offers. Raises BadOffer."""
        offer = read_offer(sdp)
        member = self.members.get(pid)
        if member is None:
            member = self.members[pid] = Member(self, pid)
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick())
        return await member.negotiate(offer, wants)

    async def leave(self, pid: uuid.UUID) -> None:
        """Take a member out."""
        member = self.members.pop(pid, None)
        self.rewire()
        if member is not None:
            await member.close()

    async def close(self) -> None:
        """Take everybody out."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait({self._ticking})
        for pid in list(self.members):
            await self.leave(pid)

    def source_of(self, wanted: Wanted) -> Source | None:
        """The track that is wanted, while its sender is here."""
        member = self.members.get(wanted.pid)
        if member is None:
            return None
        of_kind = {mid: one for mid, one in member.sources.items() if one.kind == wanted.kind}
        return of_kind.get(wanted.name) or next(iter(of_kind.values()), None)

    def ask_key_frame(self, source: Source) -> None:
        """Of whoever sends it."""
        for member in self.members.values():
            if source in member.sources.values():
                member.ask_for_key_frame(source)

    def rewire(self) -> None:
        """Say anew who gets what: after each offer, and when somebody left."""
        for member in self.members.values():
            watchers: dict[int, list[tuple[Member, View]]] = {}
            for viewer in self.members.values():
                for view in viewer.views.values():
                    if view.source in member.sources.values():
                        watchers.setdefault(view.source.ssrc, []).append((viewer, view))
            member.watched_by(watchers)

    async def _tick(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(TICK)
            count += 1
            members = list(self.members.values())
            if count % REPORT_EVERY == 0:
                for member in members:
                    member.measure(REPORT_EVERY * TICK)
            for member in members:
                member.tick(count)
