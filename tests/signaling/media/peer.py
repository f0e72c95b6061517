"""A browser's end of a line, by hand: real ICE, DTLS and SRTP over real sockets, and packets as a test wants them."""

import asyncio
import dataclasses
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtp import AnyRtcpPacket, RtcpPacket
from aiortc.sdp import SessionDescription

from signaling.media.forwarder import Forwarder, Wanted
from signaling.media.guard import SRTP
from signaling.media.offering import SEND_TIME, TRANSPORT_NUMBERS
from signaling.media.packets import Packet, read, written
from tests.signaling.media.streams import KEY_FRAME, packet

WITHIN: Final = 10.0
"""Seconds: the machine may be busy."""
CODECS: Final = {"audio": "111 opus/48000/2", "video": "96 VP8/90000"}
CERTIFICATE: Final = RTCCertificate.generateCertificate()


@dataclass(frozen=True, slots=True)
class Track:
    """Something that is sent."""

    ssrc: int
    kind: str = "video"
    stream: str = "face"


@dataclass
class Peer:
    """One connection of one participant."""

    forwarder: Forwarder
    pid: uuid.UUID = field(default_factory=uuid.uuid4)
    sends: Sequence[Track] = ()
    wants: Sequence[Wanted] = ()
    packets: list[Packet] = field(default_factory=list)
    reports: list[AnyRtcpPacket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gatherer = RTCIceGatherer(iceServers=[])
        self.ice = RTCIceTransport(self.gatherer)
        self.dtls = RTCDtlsTransport(self.ice, [CERTIFICATE])
        self.answer = SessionDescription()
        self.loses = 0
        """So many packets that come next."""
        self._keep = self.ice._connection.data_received
        self.ice._connection.data_received = self._lose  # type: ignore[method-assign]

    async def offer(self) -> None:
        """Offer what is sent and wanted now."""
        await self.gatherer.gather()
        mids = {str(len(self.sends) + at): wanted for at, wanted in enumerate(self.wants)}
        self.answer = SessionDescription.parse(await self.forwarder.offer(self.pid, self.sdp(), mids))

    async def connect(self) -> "Peer":
        """Offer, and wait until media pass."""
        await self.offer()
        await self.open()
        await until(lambda: self.forwarder.is_open(self.pid))
        return self

    async def open(self, *, is_controlling: bool = True) -> None:
        """Connect to what was answered, or, where the other side controls, offered."""
        media = self.answer.media[0]
        assert media.dtls is not None
        self.ice._connection.ice_controlling = is_controlling
        self.dtls._set_role("server" if is_controlling else "client")
        self.dtls._handle_rtp_data = self._take_rtp  # type: ignore[method-assign]
        self.dtls._handle_rtcp_data = self._take_rtcp  # type: ignore[method-assign]
        for candidate in media.ice_candidates:
            await self.ice.addRemoteCandidate(candidate)
        await self.ice.addRemoteCandidate(None)
        await self.ice.start(media.ice)
        await self.dtls.start(RTCDtlsParameters(fingerprints=media.dtls.fingerprints))

    async def close(self) -> None:
        """Go."""
        await self.dtls.stop()
        await self.ice.stop()

    async def send(
        self,
        track: Track,
        sequence: int,
        payload: bytes = KEY_FRAME,
        *,
        timestamp: int = 0,
        number: int | None = None,
        is_last: bool = False,
    ) -> None:
        """Send one packet of a track; `number`: its number on the line, `is_last`: of its frame."""
        raw = written(
            dataclasses.replace(packet(sequence, timestamp, payload), marker=128 if is_last else 0),
            payload_type=int(CODECS[track.kind].split()[0]),
            ssrc=track.ssrc,
            sequence=sequence & 0xFFFF,
            timestamp=timestamp,
            send_time_id=None,
        )
        if number is not None:
            extension = bytes.fromhex("bede0001") + bytes([0x31]) + number.to_bytes(2, "big") + b"\0"
            raw = bytes([raw[0] | 0x10]) + raw[1:12] + extension + raw[12:]
        await self.dtls._send_rtp(raw)

    async def report(self, *reports: AnyRtcpPacket) -> None:
        """Send RTCP."""
        await self.dtls._send_rtp(b"".join(bytes(one) for one in reports))

    def ssrc_of(self, mid: int) -> int:
        """What the answer says we get on an m-line."""
        return self.answer.media[mid].ssrc[0].ssrc

    def sdp(self) -> str:
        """The offer."""
        ice, dtls = self.gatherer.getLocalParameters(), self.dtls.getLocalParameters()
        tracks = [(one.kind, one) for one in self.sends] + [(one.kind, None) for one in self.wants]
        bundle = " ".join(str(mid) for mid in range(len(tracks)))
        lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {bundle}"]
        for mid, (kind, track) in enumerate(tracks):
            number = CODECS[kind].split()[0]
            lines += [
                f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}",
                "c=IN IP4 0.0.0.0",
                f"a=mid:{mid}",
                f"a=ice-ufrag:{ice.usernameFragment}",
                f"a=ice-pwd:{ice.password}",
                "a=setup:actpass",
                f"a=fingerprint:sha-256 {dtls.fingerprints[0].value}",
                f"a=extmap:2 {SEND_TIME}",
                f"a=extmap:3 {TRANSPORT_NUMBERS}",
                "a=rtcp-mux",
                f"a=rtpmap:{CODECS[kind]}",
                "a=sendonly" if track else "a=recvonly",
            ]
            if track:
                lines += [f"a=msid:{track.stream} {track.ssrc}", f"a=ssrc:{track.ssrc} cname:x"]
        return "\r\n".join(lines) + "\r\n"

    def _lose(self, data: bytes, component: int) -> None:
        if self.loses and data[0] in SRTP:
            self.loses -= 1
        else:
            self._keep(data, component)

    async def _take_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        came = read(data, transport_id=None)
        assert came is not None
        self.packets.append(came)

    async def _take_rtcp(self, data: bytes) -> None:
        self.reports += RtcpPacket.parse(data)


async def until(is_so: Callable[[], object]) -> None:
    """Wait until it is."""
    async with asyncio.timeout(WITHIN):
        while not is_so():  # noqa: ASYNC110  (there is nothing that could be told)
            await asyncio.sleep(0.005)
