"""One stream of one person on its way into a file: packets in, in whatever order; a WebM file out.

Packets are put down on the event loop, and worked on in a thread (`work`): the two share nothing but a queue.
"""

from collections import deque
from typing import Final

from signaling.media.frames import Assembler, Frame, OpusFrames, Ordered, Vp8Frames, picture_size
from signaling.media.packets import Packet
from signaling.media.source import Source
from signaling.media.webm import Webm
from teleconsult.sealed_files import SealedWriter

PATIENCE: Final = 2.0
"""Seconds a file waits to begin for the other one of sound and picture."""
MOST_HELD: Final = 5_000
"""Packets not worked on yet: who is that far behind has lost its disk."""
FURTHEST: Final = 2.0
"""Seconds a sender's clock may be from when its frames came; what is further off is no clock."""


class Fallen(Exception):
    """The writing cannot keep up."""


class Clock:
    """One person's: what their sound and their picture have in common."""

    def __init__(self, origin: float) -> None:
        self.origin = origin
        """When the recording began, seconds (monotonic)."""
        self.base: float | None = None
        """The sender's own time then, seconds, since a report told it."""


class Track:
    """Sound or picture of one source."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self.source, self._clock = source, clock
        self.frames: list[tuple[float, Frame]] = []
        """Not written yet, with when they belong: seconds of the recording."""
        self._inbox: deque[tuple[Packet, float]] = deque()
        self._ordered = Ordered()
        self._assembler: Assembler = OpusFrames() if source.kind == "audio" else Vp8Frames()
        self._anchor: tuple[int, float] | None = None
        source.sinks.append(self._take)

    @property
    def wants_key_frame(self) -> bool:
        """Whether nothing can be written until one comes."""
        return self._assembler.waits_for_key

    def detach(self) -> None:
        """Take no more packets."""
        if self._take in self.source.sinks:
            self.source.sinks.remove(self._take)

    def work(self, *, now: float, is_last: bool) -> None:
        """Make frames of the packets that came."""
        if len(self._inbox) > MOST_HELD:
            raise Fallen
        while self._inbox:
            packet, arrived = self._inbox.popleft()
            self._ordered.add(packet, arrived)
        for packet, arrived, is_gap in self._ordered.ready(now=now, **({"wait": 0.0} if is_last else {})):
            frame = self._assembler.add(packet, arrived, is_after_gap=is_gap)
            if frame is not None:
                self.frames.append((self._time_of(frame), frame))

    def _take(self, packet: Packet, arrived: float) -> None:
        self._inbox.append((packet, arrived))

    def _time_of(self, frame: Frame) -> float:
        came = frame.arrived - self._clock.origin
        if self._anchor is None:
            self._anchor = frame.timestamp, came
        counted = self._anchor[1] + self._seconds(frame.timestamp, self._anchor[0])
        if abs(counted - came) > FURTHEST:  # it counts from elsewhere: another device, or the computer slept
            self._anchor, counted = (frame.timestamp, came), came
        report = self.source.clock
        if report is None:
            return counted
        ntp_time, rtp_time = report
        sent = ntp_time / 2**32 + self._seconds(frame.timestamp, rtp_time)
        if self._clock.base is None:
            self._clock.base = sent - counted
        told = sent - self._clock.base
        return told if abs(told - came) <= FURTHEST else counted

    def _seconds(self, timestamp: int, since: int) -> float:
        step = (timestamp - since) & 0xFFFFFFFF
        return (step if step < 0x80000000 else step - 0x100000000) / self.source.clock_rate


class Tape:
    """One file, from the first frames until it is closed or another kind comes that its header does not know."""

    def __init__(self, sources: list[Source], clock: Clock) -> None:
        """`sources`: sound and pictures of one stream; of several sizes of a picture the first."""
        chosen = {source.kind: source for source in reversed(sources)}
        self.tracks = {kind: Track(source, clock) for kind, source in chosen.items()}
        self._heard_at: float | None = None
        self._webm: Webm | None = None
        self._target: SealedWriter | None = None
        self._begins = 0.0

    @property
    def sources(self) -> list[Source]:
        """Whose packets it takes."""
        return [track.source for track in self.tracks.values()]

    @property
    def is_begun(self) -> bool:
        """Whether there is a file."""
        return self._webm is not None

    @property
    def heard(self) -> frozenset[str]:
        """Of which kinds frames wait to be written."""
        return frozenset(kind for kind, track in self.tracks.items() if track.frames)

    @property
    def kinds(self) -> frozenset[str]:
        """What is in the file."""
        return self._webm.kinds if self._webm else frozenset()

    @property
    def seconds(self) -> float:
        """How long the file is by now."""
        return self._webm.seconds if self._webm else 0.0

    def wants_key_frames(self) -> list[Source]:
        """Of whom it waits for one."""
        return [track.source for track in self.tracks.values() if track.wants_key_frame]

    def is_ready(self, *, now: float) -> bool:
        """Whether a file can begin: with sound and picture, or with one of them where the other stays away."""
        if self.heard and self._heard_at is None:
            self._heard_at = now
        is_late = self._heard_at is not None and now - self._heard_at > PATIENCE
        return bool(self.heard) and (len(self.heard) == len(self.tracks) or is_late)

    def needs_another(self) -> bool:
        """Whether a kind has come that this file has no place for."""
        return self.is_begun and bool(self.heard - self.kinds)

    def detach(self) -> None:
        """Take no more packets."""
        for track in self.tracks.values():
            track.detach()

    def work(self, *, now: float, is_last: bool = False) -> None:
        """Make frames of packets, and write them where there is a file. Raises OSError, Fallen."""
        for track in self.tracks.values():
            track.work(now=now, is_last=is_last)
        if self._webm is not None and self._target is not None:
            self._write(self._webm)
            self._target.flush()

    def begin(self, target: SealedWriter) -> None:
        """Begin the file with the frames there are."""
        first = self.tracks["video"].frames[:1] if "video" in self.tracks else []
        heard = {kind: track.frames[0][0] for kind, track in self.tracks.items() if track.frames}
        self._begins = min(heard.values())
        picture = picture_size(first[0][1].payload) if first else None
        self._target = target
        self._webm = Webm(target, sound="audio" in heard, picture=picture)
        self._write(self._webm)

    def close(self) -> None:
        """End the file; what is behind it stays readable whatever fails here. Raises OSError."""
        try:
            if self._webm is not None:
                self._webm.close()
        finally:
            if self._target is not None:
                self._target.close()

    def _write(self, webm: Webm) -> None:
        frames = sorted(
            ((at, kind, frame) for kind in webm.kinds for at, frame in self.tracks[kind].frames), key=lambda one: one[0]
        )
        for at, kind, frame in frames:
            webm.add(kind, frame.payload, at=round((at - self._begins) * 1000), is_key=frame.is_key)
        for kind in webm.kinds:
            self.tracks[kind].frames.clear()
