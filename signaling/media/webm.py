"""Encoded frames into a WebM file as they came: nothing is decoded, nothing is encoded."""

from fractions import Fraction
from typing import Final, Protocol

import av

_MS: Final = Fraction(1, 1000)
OPUS_MS: Final = 20
_OPTIONS: Final = {"cluster_time_limit": "1000", "max_interleave_delta": "1000000"}
"""Every second goes to the disk (ms), and nothing waits longer for the other track (µs)."""


class Target(Protocol):
    """Where the file goes: its first bytes are written over at the end."""

    def write(self, plain: bytes) -> int:
        """Put bytes where it stands."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Stand elsewhere."""

    def tell(self) -> int:
        """Where it stands."""


class Webm:
    """One file (WebM: Matroska with VP8 and Opus), times in ms from its beginning."""

    def __init__(self, target: Target, *, sound: bool, picture: tuple[int, int] | None) -> None:
        """`picture` is the size of the first one; later ones may have another."""
        self._file = av.open(target, "w", format="webm", options=_OPTIONS)
        self._tracks: dict[str, av.stream.Stream] = {}
        if picture is not None:
            width, height = picture
            self._tracks["video"] = self._file.add_mux_stream("vp8", width=width, height=height)
        if sound:
            # The encoder is opened for the header it writes (RFC 7845 §5.1) and given nothing to encode.
            self._tracks["audio"] = self._file.add_stream("libopus", rate=48_000)
        self._last = dict.fromkeys(self._tracks, -1)

    @property
    def kinds(self) -> frozenset[str]:
        """`audio`, `video` or both."""
        return frozenset(self._tracks)

    @property
    def seconds(self) -> float:
        """How long it is by now."""
        return max((0, *self._last.values())) / 1000

    def add(self, kind: str, payload: bytes, *, at: int, is_key: bool) -> None:
        """Write a frame that belongs `at` ms. Raises OSError where the target takes no more."""
        at = max(at, self._last[kind] + 1)
        self._last[kind] = at
        packet = av.Packet(payload)
        packet.stream, packet.time_base, packet.is_keyframe = self._tracks[kind], _MS, is_key
        packet.pts = packet.dts = at
        if kind == "audio":
            packet.duration = OPUS_MS
        self._file.mux_one(packet)

    def close(self) -> None:
        """Write how long it is, and where its parts are."""
        self._file.close()
