"""A line of media to one browser: aiortc's ICE, DTLS and SRTP, and RTP in and out as bytes that nobody decodes.

With `guard.py` and `reach.py` the one place that touches private names of aiortc 1.16 and aioice 0.13
(`tests/signaling/media/test_contract.py` names them): their queue, their task and their parsing of each datagram cost
more than everything the forwarder does. ICE is RFC 8445, DTLS-SRTP RFC 5764.
"""

import asyncio
import contextlib
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters

from signaling.media.guard import SRTP
from signaling.media.reach import Reach

OPEN_WITHIN: Final = 30.0
"""Seconds a browser has to find its way here."""
LONGEST: Final = 1_600
"""Octets of a datagram: more than any link carries in one piece."""
_RTCP: Final = range(192, 224)


class LineState(StrEnum):
    """What is told of a line, each once and in this order; `failed` and `closed` are the end of it."""

    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class Line:
    """ICE and DTLS with one browser, which offered.

    The browser finds us and we answer where its checks come from (RFC 8445 §7.3.1.3): nothing is ever sent to an
    address because an offer names it.
    """

    def __init__(
        self,
        *,
        rtp: Callable[[bytes], None],
        rtcp: Callable[[bytes], None],
        changed: Callable[[LineState], None],
        certificate: RTCCertificate,
        reach: Reach,
    ) -> None:
        """`rtp` and `rtcp` get each packet, decrypted; `changed` hears of each state."""
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        self._connection = self._ice._connection
        self._rtp, self._rtcp, self._changed, self._reach = rtp, rtcp, changed, reach
        reach.confine(self._connection)
        self._dtls.on("statechange", self._state_changed)
        self._ice.on("statechange", self._state_changed)
        self._opening: asyncio.Task[None] | None = None
        self._is_over = False
        self.is_open = False

    async def gather(self) -> tuple[RTCIceParameters, list[RTCIceCandidate], RTCDtlsParameters]:
        """What the answer tells of us."""
        await self._gatherer.gather()
        own = self._reach.told(self._gatherer.getLocalCandidates())
        return self._gatherer.getLocalParameters(), own, self._dtls.getLocalParameters()

    def open(self, ice: RTCIceParameters, dtls: RTCDtlsParameters) -> None:
        """Await the browser that told these. Once."""
        self._connection.ice_controlling = False
        self._dtls._set_role("client")
        self._opening = asyncio.create_task(self._open(ice, dtls))

    async def close(self) -> None:
        """End it, and tell nobody. Twice changes nothing."""
        self.is_open, self._is_over = False, True
        self._connection.tap = None  # type: ignore[attr-defined]  # ours, which the guard looks for
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        await self._dtls.stop()
        await self._ice.stop()

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send; what cannot go now is lost, as on any line."""
        if self.is_open:
            self._send(self._dtls._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """The same for a compound packet of feedback."""
        if self.is_open:
            self._send(self._dtls._tx_srtp.protect_rtcp(packet))

    async def _open(self, ice: RTCIceParameters, dtls: RTCDtlsParameters) -> None:
        try:
            async with asyncio.timeout(OPEN_WITHIN):
                await self._ice.start(ice)
                if self._ice.state == "completed":
                    await self._dtls.start(dtls)
        except TimeoutError:
            self._end(LineState.FAILED)

    def _send(self, data: bytes) -> None:
        pair = self._connection._nominated.get(1)
        if pair is not None:
            pair.protocol.transport.sendto(data, pair.remote_addr)

    def _take(self, data: bytes) -> None:
        if not 12 <= len(data) <= LONGEST:
            return
        with contextlib.suppress(pylibsrtp.Error):  # forged, or come twice
            if data[1] in _RTCP:  # its types (RFC 5761 §4)
                self._rtcp(self._dtls._rx_srtp.unprotect_rtcp(data))
            else:
                self._rtp(self._dtls._rx_srtp.unprotect(data))

    def _take_over(self) -> None:
        """Have packets from now on, and those that came while DTLS was at its last step."""
        waiting = self._connection._queue
        for _ in range(waiting.qsize()):
            item = waiting.get_nowait()
            if item is not None and item[0][0] in SRTP:
                self._take(item[0])
            else:
                waiting.put_nowait(item)
        self._connection.tap = self._take  # type: ignore[attr-defined]

    def _state_changed(self) -> None:
        if "failed" in (self._dtls.state, self._ice.state):
            self._end(LineState.FAILED)
        elif self._dtls.state == "closed":
            self._end(LineState.CLOSED)
        elif self._dtls.state == "connected" and not self._is_over:
            self.is_open = True
            self._changed(LineState.CONNECTED)
            self._take_over()

    def _end(self, state: LineState) -> None:
        if not self._is_over:
            self.is_open, self._is_over = False, True
            self._changed(state)
