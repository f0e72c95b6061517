"""A line of media to one browser: aiortc's ICE, DTLS and SRTP, and RTP in and out as bytes that nobody decodes.

The one place that touches private names of aiortc 1.16 and aioice 0.13 (`tests/signaling/media/test_contract.py` names
them): their queue, their task and their parsing of each datagram cost more than everything the forwarder does.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import pylibsrtp
import structlog
from aioice import ice
from aiortc import (
    RTCCertificate,
    RTCDtlsTransport,
    RTCIceGatherer,
    RTCIceServer,
    RTCIceTransport,
)
from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters

log = structlog.get_logger(__name__)

_LARGEST_STUN: Final = 3  # the first byte (RFC 7983 §7)
_SRTP: Final = range(128, 192)


class GuardedStun(ice.StunProtocol):
    """Hands on what comes from an address that takes part in this connection, and nothing else.

    aioice gives any datagram to DTLS, whoever sent it: one stray ClientHello while a connection is made would end it.
    """

    _known: frozenset[tuple[str, int]] = frozenset()

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """One datagram, told by its first byte (RFC 7983 §7)."""
        if not data or not isinstance(data, bytes):
            return
        if data[0] <= _LARGEST_STUN:
            super().datagram_received(data, addr)
            return
        sender = addr[0], addr[1]
        if sender not in self._known:
            self._known = frozenset(pair.remote_addr for pair in self.receiver._check_list)
            if sender not in self._known:
                return
        tap = getattr(self.receiver, "tap", None)
        if tap is not None and data[0] in _SRTP:
            tap(data)
        else:
            self.receiver.data_received(data, self.local_candidate.component)


ice.StunProtocol = GuardedStun  # type: ignore[misc]


class Line:
    """ICE and DTLS with one browser, which offered; `rtp` and `rtcp` are called with each packet, decrypted."""

    def __init__(
        self,
        *,
        rtp: Callable[[bytes], None],
        rtcp: Callable[[bytes], None],
        changed: Callable[[str], None],
        servers: Sequence[RTCIceServer] = (),
        certificate: RTCCertificate,
    ) -> None:
        """`changed` hears of `connected`, `failed` and `closed`, as DTLS has them."""
        self._gatherer = RTCIceGatherer(iceServers=list(servers))
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        self._connection = self._ice._connection
        self._rtp, self._rtcp, self._changed = rtp, rtcp, changed
        self._dtls.on("statechange", self._state_changed)
        self._ice.on("statechange", self._state_changed)
        self.is_open = False

    async def gather(self) -> tuple[RTCIceParameters, list[RTCIceCandidate], RTCDtlsParameters]:
        """What the answer tells of us."""
        await self._gatherer.gather()
        dtls = self._dtls.getLocalParameters()
        return self._gatherer.getLocalParameters(), self._gatherer.getLocalCandidates(), dtls

    async def open(
        self, ice_parameters: RTCIceParameters, candidates: Sequence[RTCIceCandidate], dtls: RTCDtlsParameters
    ) -> None:
        """Connect to the browser that told these; returns when media can pass or the attempt is over."""
        self._connection.ice_controlling = False
        self._dtls._set_role("client")
        for candidate in candidates:
            await self._ice.addRemoteCandidate(candidate)
        await self._ice.addRemoteCandidate(None)
        await self._ice.start(ice_parameters)
        if self._ice.state == "completed":
            await self._dtls.start(dtls)

    async def close(self) -> None:
        """End it. Twice changes nothing."""
        self.is_open = False
        self._connection.tap = None  # type: ignore[attr-defined]
        await self._dtls.stop()
        await self._ice.stop()

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Encrypt and send; what cannot go now is lost, as on any line."""
        if self.is_open:
            self._send(self._dtls._tx_srtp.protect(bytes(packet)))

    def send_rtcp(self, packet: bytes) -> None:
        """The same for a compound packet of feedback."""
        if self.is_open:
            self._send(self._dtls._tx_srtp.protect_rtcp(packet))

    def _send(self, data: bytes) -> None:
        pair = self._connection._nominated.get(1)
        if pair is not None:
            pair.protocol.transport.sendto(data, pair.remote_addr)

    def _take(self, data: bytes) -> None:
        with contextlib.suppress(pylibsrtp.Error):  # forged, or come twice
            if 192 <= data[1] <= 223:  # RTCP's types (RFC 5761 §4)
                self._rtcp(self._dtls._rx_srtp.unprotect_rtcp(data))
            else:
                self._rtp(self._dtls._rx_srtp.unprotect(data))

    def _state_changed(self) -> None:
        if self._dtls.state == "connected" and not self.is_open:
            self.is_open = True
            self._connection.tap = self._take  # type: ignore[attr-defined]
            self._changed("connected")
        elif "failed" in (self._dtls.state, self._ice.state):
            self.is_open = False
            self._changed("failed")
        elif self._dtls.state == "closed":
            self.is_open = False
            self._changed("closed")
