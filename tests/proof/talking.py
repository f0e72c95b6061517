"""What two people in a room have between them, past every server: a connection of aiortc's, over which each sends."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

EVERY: Final = 0.1
"""Seconds from one packet to the next."""
SECOND: Final = round(1 / EVERY)
OPENS: Final = 60.0


class End:
    """One page's end of it: sends numbers, and knows which it has heard."""

    def __init__(self) -> None:
        self.heard, self.sent = set[int](), 0
        self.states = list[str]()
        self._opened, self._sending = asyncio.Event(), None
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.on("connectionstatechange", lambda: self.states.append(self.connection.connectionState))
        self.connection.on("datachannel", self._take)

    _sending: asyncio.Task[None] | None

    def _take(self, channel: Any) -> None:
        channel.on("message", lambda text: self.heard.add(int(text)))
        self._sending = asyncio.create_task(self._send(channel))

    async def _send(self, channel: Any) -> None:
        self._opened.set()
        while channel.readyState == "open":
            channel.send(str(self.sent))
            self.sent += 1
            await asyncio.sleep(EVERY)

    async def offer(self) -> dict[str, str]:
        """As a description of the protocol's. Nothing is sent a second time: what is lost is missed."""
        channel = self.connection.createDataChannel("speech", ordered=False, maxRetransmits=0)
        channel.on("open", lambda: self._take(channel))
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self._own()

    async def answer(self, offer: dict[str, str]) -> dict[str, str]:
        """To the other's."""
        await self.connection.setRemoteDescription(RTCSessionDescription(**offer))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self._own()

    async def settle(self, answer: dict[str, str]) -> None:
        """On what was answered."""
        await self.connection.setRemoteDescription(RTCSessionDescription(**answer))

    def _own(self) -> dict[str, str]:
        own = self.connection.localDescription
        return {"type": own.type, "sdp": own.sdp}

    async def is_open(self) -> None:
        """Return once something can be sent. Raises TimeoutError."""
        await asyncio.wait_for(self._opened.wait(), OPENS)

    async def close(self) -> None:
        """Send no more."""
        if self._sending:
            self._sending.cancel()
        with suppress(Exception):
            await asyncio.wait_for(self.connection.close(), 5)

    def longest_gap(self, sent: int, since: int = 0) -> int:
        """Of the other's packets from `since` on, how many in a row never came; the last second may be on its way."""
        longest = run = 0
        for number in range(since, sent - SECOND):
            run = 0 if number in self.heard else run + 1
            longest = max(longest, run)
        return longest
