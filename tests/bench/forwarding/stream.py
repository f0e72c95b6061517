"""What is sent: five seconds of a picture and of silence, encoded once, over and over."""

import asyncio
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy
from aiortc.codecs.vpx import Vp8Encoder

from tests.signaling.media.peer import Peer, Track

RATE: Final = 300_000
"""bit/s of picture."""
FRAMES_A_SECOND: Final = 15
SECONDS: Final = 5
SOUND_EVERY: Final = 0.02
"""Seconds: a packet of Opus."""
FACE: Final = Track(1001)
VOICE: Final = Track(1002, "audio")
_SILENCE: Final = b"\xf8\xff\xfe" + bytes(57)
"""As long as a packet of speech."""


def encoded() -> list[list[bytes]]:
    """The packets of each frame, the first a key frame."""
    encoder = Vp8Encoder()
    encoder.target_bitrate = RATE
    random = numpy.random.default_rng(1)
    frames = []
    noise = random.integers(0, 60, (480, 640, 3), dtype=numpy.uint8)
    for at in range(FRAMES_A_SECOND * SECONDS):
        frame = av.VideoFrame.from_ndarray(numpy.roll(noise, 8 * at, axis=1), format="rgb24")
        frame.pts, frame.time_base = at, Fraction(1, FRAMES_A_SECOND)
        payloads, _timestamp = encoder.encode(frame, force_keyframe=at == 0)
        frames.append(payloads)
    return frames


@dataclass
class Sending:
    """One publisher, as fast as time passes."""

    peer: Peer
    frames: list[list[bytes]]
    packets: int = 0

    async def go(self) -> None:
        """Send until cancelled."""
        began = time.monotonic()
        number = pictures = sounds = sequence = 0
        while True:
            now = time.monotonic() - began
            while pictures < now * FRAMES_A_SECOND:
                packets = self.frames[pictures % len(self.frames)]
                for at, payload in enumerate(packets):
                    is_last = at == len(packets) - 1
                    timestamp = pictures * 90_000 // FRAMES_A_SECOND
                    await self.peer.send(
                        FACE, sequence, payload, timestamp=timestamp, number=number & 0xFFFF, is_last=is_last
                    )
                    sequence, number = sequence + 1, number + 1
                pictures += 1
            while sounds < now / SOUND_EVERY:
                await self.peer.send(VOICE, sounds & 0xFFFF, _SILENCE, timestamp=sounds * 960)
                sounds += 1
            self.packets = sequence + sounds
            await asyncio.sleep(0.005)
