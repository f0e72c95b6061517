"""Somebody who sends sound and a small picture to a forwarder: aiortc, as a browser would."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import av
import numpy as np
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack


class Picture(VideoStreamTrack):
    """Noise of 160 by 120."""

    async def recv(self) -> av.VideoFrame:
        """The next picture when it is time for it."""
        pts, time_base = await self.next_timestamp()
        pixels = np.random.default_rng(pts).integers(0, 255, (180, 160), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


Offer = Callable[[str], Awaitable[str]]
"""An offer in SDP, to its answer."""


class Publisher:
    """`async with` it: connected, and sending."""

    def __init__(self, offer: Offer, *, picture: bool = True, sound: bool = True) -> None:
        self._offer = offer
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if sound:
            self._connection.addTrack(AudioStreamTrack())
        if picture:
            self._connection.addTrack(Picture())

    async def __aenter__(self) -> Self:
        connected = asyncio.Event()
        self._connection.on(
            "connectionstatechange",
            lambda: connected.set() if self._connection.connectionState == "connected" else None,
        )
        await self._connection.setLocalDescription(await self._connection.createOffer())
        answer = await self._offer(self._connection.localDescription.sdp)
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await asyncio.wait_for(connected.wait(), 10)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()
