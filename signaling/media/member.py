"""One browser's connection to a room: what it sends is handed to who watches it, and what it watches is sent to it."""

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiortc import RTCCertificate
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, RtcpRrPacket, pack_remb_fci

from signaling.media.answering import Sent, answer
from signaling.media.arrivals import Arrivals
from signaling.media.downlink import LEAST, Downlink
from signaling.media.line import Line, LineState
from signaling.media.offering import BadOffer, Offer, is_stream
from signaling.media.packets import read
from signaling.media.reach import Reach
from signaling.media.reports import Reports
from signaling.media.source import Source
from signaling.media.view import View

SOUND: Final = 48_000
"""bit/s a sender's limit leaves to its sound, of which viewers' estimates know nothing."""
UNBOUND: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose track of a kind a browser wants on one of its m-lines."""

    pid: uuid.UUID
    kind: str
    """`audio` or `video`."""
    stream: str = ""
    """Which of several: the id of the MediaStream with who sends it; empty: the first."""
    is_small: bool = False
    """Whether the smallest of several sizes is enough."""


Watchers = Mapping[int, Sequence[tuple["Member", View]]]


class Member:
    """One connection; a participant who comes back has another beside it for a while."""

    def __init__(
        self,
        pid: uuid.UUID,
        *,
        certificate: RTCCertificate,
        reach: Reach,
        changed: Callable[["Member", LineState], None],
        ask_key_frame: Callable[[Source], None],
    ) -> None:
        """`changed` hears of the line, `ask_key_frame` has whoever sends a source begin its picture anew."""
        self.pid = pid
        self.ssrc = random.getrandbits(31) | 1
        self.sources: dict[str, Source] = {}
        """By m-line, in their order."""
        self.views: dict[str, View] = {}
        self.wants: dict[str, Wanted] = {}
        self.downlink = Downlink()
        self._changed, self._ask_key_frame = changed, ask_key_frame
        self._by_ssrc: dict[int, Source] = {}
        self._watchers: Watchers = {}
        self._transport_id: int | None = None
        self._arrivals = Arrivals()
        self._ufrag = ""
        self._octets = {"audio": 0, "video": 0}
        self._reports = Reports(self, ask_key_frame=ask_key_frame)
        self.line = Line(
            rtp=self._take_rtp,
            rtcp=self._reports.take,
            changed=self._line_changed,
            certificate=certificate,
            reach=reach,
        )

    def is_of(self, offer: Offer) -> bool:
        """Whether the offer goes on with this connection."""
        return self._ufrag == offer.ice.usernameFragment

    async def negotiate(self, offer: Offer, wants: Mapping[str, Wanted]) -> str:
        """Take the offer, first or later; our answer. Raises BadOffer where a stream is wanted that cannot be one."""
        if any(wanted.stream and not is_stream(wanted.stream) for wanted in wants.values()):
            raise BadOffer("no name of a stream")
        ice, candidates, dtls = await self.line.gather()
        self._take_sources(offer)
        self._take_views(offer, wants)
        if not self._ufrag:
            self._ufrag = offer.ice.usernameFragment or ""
            self.line.open(offer.ice, offer.dtls)
        sending = {
            mid: Sent(view.ssrc, self.wants[mid].stream or str(self.wants[mid].pid)) for mid, view in self.views.items()
        }
        return answer(offer, sending=sending, ice=ice, candidates=candidates, dtls=dtls)

    def ask_key_frames(self) -> None:
        """Of everybody whose picture this one waits for."""
        for view in self.views.values():
            source = view.coming or view.source
            if source is not None:
                self._ask_key_frame(source)

    def watched_by(self, watchers: Watchers) -> None:
        """By SSRC of our sources, who gets them."""
        self._watchers = watchers

    def watchers_of(self, ssrc: int) -> Sequence[tuple["Member", View]]:
        """Who gets this source of ours."""
        return self._watchers.get(ssrc, ())

    def source(self, ssrc: int) -> Source | None:
        """Ours of that number."""
        return self._by_ssrc.get(ssrc)

    def ask_for_key_frame(self, source: Source) -> None:
        """Have this sender begin its picture anew."""
        request = source.key_frame_request(own=self.ssrc, now=time.monotonic())
        if request is not None:
            self.line.send_rtcp(bytes(request))

    def tell_arrivals(self) -> None:
        """Tell this sender what arrived, and ask it for what did not."""
        feedback = self._arrivals.message(sender=self.ssrc, media=next(iter(self._by_ssrc), 0))
        if feedback is not None:
            self.line.send_rtcp(feedback)
        now = time.monotonic()
        for source in self.sources.values():
            asked = source.missing(own=self.ssrc, now=now)
            if asked is not None:
                self.line.send_rtcp(bytes(asked))

    def tell_reports(self) -> None:
        """Tell this sender how well it arrives, and how much its viewers take."""
        now = time.monotonic()
        reports = [told for source in self.sources.values() if (told := source.reception(now=now))]
        if reports:
            self.line.send_rtcp(bytes(RtcpRrPacket(ssrc=self.ssrc, reports=reports)))
            fci = pack_remb_fci(self.limit, list(self._by_ssrc))
            self.line.send_rtcp(bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=self.ssrc, media_ssrc=0, fci=fci)))

    def measure(self, seconds: float) -> None:
        """Reckon anew, over the last `seconds`, what this one sends, and what its line takes of others."""
        for source in self.sources.values():
            source.measure(seconds)
        self._reports.renew()
        octets = {kind: sum(one.octets for one in self.views.values() if one.kind == kind) for kind in self._octets}
        sent = {kind: int(max(0, octets[kind] - before) * 8 / seconds) for kind, before in self._octets.items()}
        self.downlink.measure(sent["video"], sound=sent["audio"])
        self._octets = octets
        now = time.monotonic()
        for view in self.views.values():
            if view.kind != "video":
                continue
            view.fit(self.share, now=now)
            if view.coming is not None:
                self._ask_key_frame(view.coming)

    @property
    def share(self) -> int | None:
        """bit/s this viewer's line takes of each picture; None while it is not full."""
        pictures = sum(view.kind == "video" and view.source is not None for view in self.views.values())
        return None if self.downlink.room is None else self.downlink.room // max(1, pictures)

    @property
    def limit(self) -> int:
        """bit/s this sender is allowed: what its weakest viewer takes, for who has no smaller size to turn to."""
        shares, pictures = [], set()
        for ssrc, watchers in self._watchers.items():
            for viewer, view in watchers:
                if view.kind == "video" and not view.is_layered:
                    pictures.add(ssrc)
                    shares += [viewer.share] if viewer.share is not None else []
        return max(LEAST, min(shares)) * len(pictures) + SOUND if shares else UNBOUND

    def _take_sources(self, offer: Offer) -> None:
        ups = {mid: one for mid, one in offer.sections.items() if one.is_up}
        self._transport_id = next((one.extension for one in ups.values() if one.extension is not None), None)
        sources = {}
        for mid, one in ups.items():
            known = self.sources.get(mid)
            if known is not None and (known.ssrc, known.stream) == (one.ssrc, one.stream):
                sources[mid] = known
                continue
            sources[mid] = Source(
                kind=one.kind,
                ssrc=one.ssrc,
                codec=one.codec.mimeType,
                payload_type=one.payload_type,
                clock_rate=one.codec.clockRate,
                stream=one.stream,
            )
        self.sources = sources
        self._by_ssrc = {source.ssrc: source for source in sources.values()}

    def _take_views(self, offer: Offer, wants: Mapping[str, Wanted]) -> None:
        views = {}
        for mid, one in offer.sections.items():
            if one.is_up or mid not in wants or wants[mid].kind != one.kind:
                continue
            view = self.views.get(mid)
            if view is None or view.payload_type != one.payload_type:
                view = View(kind=one.kind, payload_type=one.payload_type, send_time_id=one.extension)
            views[mid] = view
        self.views, self.wants = views, {mid: wants[mid] for mid in views}

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
            sent = view.out(packet, source, now=now) if viewer.line.is_open else None
            if sent is not None:
                viewer.line.send_rtp(sent)
            elif view.coming is source:
                self.ask_for_key_frame(source)

    def _line_changed(self, state: LineState) -> None:
        self._changed(self, state)
