"""Sound and pictures as a browser would have encoded and packed them (RFC 7741, RFC 7587), and files read back."""

import asyncio
import io
import random
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from obstore.store import LocalStore

from signaling.media.packets import Packet
from signaling.media.source import Source
from teleconsult.objects import Objects
from teleconsult.sealed_files import read_sealed, salvage

FRAME_MS = 40
SOUND_MS = 20


@cache
def pictures(count: int, *, key_every: int = 1000, size: tuple[int, int] = (160, 120)) -> tuple[bytes, ...]:
    """VP8 frames, 25 a second."""
    width, height = size
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuv420p", Fraction(1, 25)
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0", "g": str(key_every)}
    noise = np.random.default_rng(1)
    made = []
    for number in range(count):
        pixels = noise.integers(0, 255, (height * 3 // 2, width), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts = number
        made += [bytes(one) for one in encoder.encode(frame)]
    return tuple(made)


@cache
def sounds(count: int) -> tuple[bytes, ...]:
    """Opus frames of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    made: list[bytes] = []
    for number in range(count + 2):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 960 * 2), dtype=np.int16), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, number * 960
        made += [bytes(one) for one in encoder.encode(frame)]
    return tuple(made[:count])


@dataclass(slots=True)
class Line:
    """A sender's packets of one source, in the order they are sent."""

    source: Source
    sequence: int = 65_500
    clock: int = 0xFFFF0000
    picture: int = 120

    def packed(self, frames: Iterable[bytes], *, ms: int = 0) -> list[tuple[int, Packet]]:
        """Packets and when they are sent (ms), of frames that begin at `ms`."""
        packets = []
        for frame in frames:
            is_video = self.source.kind == "video"
            parts = [frame[at : at + 1000] for at in range(0, len(frame), 1000)] if is_video else [frame]
            for number, part in enumerate(parts):
                head = bytes([0x90 if number == 0 else 0x80, 0x80, self.picture & 0x7F]) if is_video else b""
                stamp = (self.clock + ms * self.source.clock_rate // 1000) & 0xFFFFFFFF
                marker = 128 if number == len(parts) - 1 else 0
                packets.append((ms, Packet(96, marker, self.sequence, stamp, self.source.ssrc, head + part, None)))
                self.sequence = (self.sequence + 1) & 0xFFFF
            self.picture += 1
            ms += FRAME_MS if is_video else SOUND_MS
        return packets


def video(stream: str = "s") -> Line:
    """A camera's."""
    return Line(Source(kind="video", ssrc=7, codec="video/VP8", payload_type=96, clock_rate=90_000, stream=stream))


def audio(stream: str = "s") -> Line:
    """A microphone's."""
    return Line(Source(kind="audio", ssrc=8, codec="audio/opus", payload_type=96, clock_rate=48_000, stream=stream))


def send(*lines: tuple[Line, list[tuple[int, Packet]]], at: float) -> None:
    """Have packets arrive when they are sent, from `at` seconds on."""
    every = [(ms, number, line, packet) for line, some in lines for number, (ms, packet) in enumerate(some)]
    for ms, _number, line, packet in sorted(every, key=lambda one: one[:2]):
        line.source.add(packet, now=at + ms / 1000)


def shuffled(packets: list[tuple[int, Packet]], *, within: int = 4) -> list[tuple[int, Packet]]:
    """The same a little out of order."""
    chance = random.Random(3)
    order = sorted(range(len(packets)), key=lambda number: number + chance.uniform(0, within))
    return [(packets[number][0], packets[place][1]) for number, place in enumerate(order)]


@dataclass(frozen=True, slots=True)
class Played:
    """What a player makes of a file: when each frame is shown, in ms, and of what size."""

    video: list[int]
    audio: list[int]
    sizes: set[tuple[int, int]]


def played(webm: bytes) -> Played:
    """Decode a file through. Raises av.FFmpegError where that does not go."""
    shown: list[int] = []
    heard: list[int] = []
    sizes = set()
    with av.open(io.BytesIO(webm), "r") as file:
        for frame in file.decode():
            at = round((frame.time or 0) * 1000)
            if isinstance(frame, av.VideoFrame):
                shown.append(at)
                sizes.add((frame.width, frame.height))
            else:
                heard.append(at)
    return Played(shown, heard, sizes)


async def kept(objects: Objects, object_key: str, key: bytes, *, name: bytes, size: int) -> bytes:
    """The whole of a sealed file."""
    pieces = read_sealed(objects, object_key, key, name=name, start=0, length=size)
    return b"".join([piece async for piece in pieces])


def opened(path: Path, key: bytes, *, name: bytes) -> bytes:
    """The whole of a sealed file that lies on the disk."""
    size = salvage(path, key, name=name)
    return asyncio.run(kept(Objects(LocalStore(path.parent)), path.name, key, name=name, size=size))
