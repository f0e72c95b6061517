"""A stranger's video as H.264 in an MP4 that holds nothing else but its sound. Runs only inside a sandbox worker.

DICOM takes a stream as it is where it is High Profile up to Level 4.1 (PS3.5 §8.2.7); any other is coded anew.
"""

from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import av
from av.audio.resampler import AudioResampler
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.filter import Graph
from av.video.stream import VideoStream

from teleconsult.imaging.captures.kinds import START
from teleconsult.imaging.refusals import Refusal, Unreadable

MOST_SECONDS: Final = 120
LARGEST_VIDEO: Final = 48 * 1024 * 1024
"""Bytes of what is kept: two minutes as they are coded here stay below."""
LONGEST_SIDE: Final = 1280
"""Pixels of what is coded anew."""
_LARGEST_FRAME: Final = 4096 * 2304
_MOST_RATE: Final = Fraction(30)
_THREADS: Final = 2
_CODING: Final = {
    **{"preset": "veryfast", "crf": "23", "maxrate": "2500k", "bufsize": "5000k"},
    **{"profile": "high", "level": "41", "threads": str(_THREADS)},
}
_HIGH_PROFILE: Final = 100
_LEVEL_4_1: Final = 41
_WITHOUT_NOTES: Final = "filter_units=remove_types=6"
"""Supplemental enhancement information (H.264 Annex D), in which anything may be written."""
_TURNED: Final = {-90: "transpose=clock", 90: "transpose=cclock", 180: "hflip,vflip", -180: "hflip,vflip"}
"""By how much a frame is to be turned, counter-clockwise."""
_MATROSKA: Final = b"\x1a\x45\xdf\xa3"
_SOUND_RATE: Final = 48_000


def filmed(path: Path) -> tuple[dict[str, Any], bytes]:
    """An MP4 of at most two minutes, upright, without anything that was written beside picture and sound.

    With it go `rows`, `columns`, `frames`, and `rate` in frames a second. Raises Unreadable: TOO_LONG,
    TOO_LARGE, NO_PIXELS; and whatever FFmpeg raises for what is no video.
    """
    with path.open("rb") as file:
        # Told here: what FFmpeg would find out by itself may be a playlist, which opens other files.
        form = "matroska" if file.read(START).startswith(_MATROSKA) else "mov"
    with av.open(str(path), format=form, options={"protocol_whitelist": "file"}) as source:
        if not source.streams.video:
            raise Unreadable(Refusal.NO_PIXELS)
        video = source.streams.video[0]
        if (source.duration or 0) > MOST_SECONDS * av.time_base:
            raise Unreadable(Refusal.TOO_LONG)
        if video.width * video.height > _LARGEST_FRAME:
            raise Unreadable(Refusal.TOO_DEMANDING)
        video.thread_type, video.codec_context.thread_count = "AUTO", _THREADS
        rotation = _rotation(source, video)
        made = _Recording(source, video)
        is_small = path.stat().st_size <= LARGEST_VIDEO
        if rotation == 0 and is_small and _is_as_dicom_wants(video) and not _is_cut(source, video):
            made.keep()
        else:
            made.code(rotation)
        content = made.content
    if len(content) > LARGEST_VIDEO:
        raise Unreadable(Refusal.TOO_LARGE)
    return made.told, content


def _rotation(source: InputContainer, video: VideoStream) -> int:
    """Of the first frame. Raises Unreadable where there is none."""
    for frame in source.decode(video):
        source.seek(0)
        return frame.rotation
    raise Unreadable(Refusal.NO_PIXELS)


def _is_as_dicom_wants(video: VideoStream) -> bool:
    coding = video.codec_context
    setup = coding.extradata or b""  # ISO/IEC 14496-15 §5.3.3.1: version, profile, compatibility, level
    is_high = setup[:2] == bytes((1, _HIGH_PROFILE)) and setup[3:4] <= bytes((_LEVEL_4_1,))
    is_square = video.sample_aspect_ratio in (None, 0, 1)
    return coding.name == "h264" and is_high and is_square and coding.pix_fmt in ("yuv420p", "yuvj420p")


def _is_cut(source: InputContainer, video: VideoStream) -> bool:
    """Whether it begins with pictures that were cut away: they are in the file, and nobody is to see them."""
    first = next(source.demux(video))
    source.seek(0)
    return first.is_discard


class _Recording:
    """One MP4 on its way."""

    def __init__(self, source: InputContainer, video: VideoStream) -> None:
        self._source, self._video = source, video
        self._sound = source.streams.audio[0] if source.streams.audio else None
        self._out = BytesIO()
        self._frames = 0
        self._rate = Fraction(0)
        self._rows = self._columns = 0

    @property
    def content(self) -> bytes:
        return self._out.getvalue()

    @property
    def told(self) -> dict[str, Any]:
        size = {"rows": self._rows, "columns": self._columns}
        return {**size, "frames": self._frames, "rate": float(self._rate)}

    def keep(self) -> None:
        """The picture as it is coded, in a new file."""
        with self._opened() as out:
            picture = out.add_stream_from_template(self._video, opaque=True)
            picture.metadata.clear()
            cleaner = BitStreamFilterContext(_WITHOUT_NOTES, self._video, picture)
            sound = _Sound(out, self._sound)
            last = Fraction(0)
            for packet in self._source.demux(*self._streams()):
                if packet.stream is not self._video:
                    sound.take(packet)
                    continue
                if packet.dts is not None:
                    self._frames += 1
                    last = max(last, self._moment(packet) + (packet.duration or 0) * packet.time_base)
                for cleaned in cleaner.filter(packet if packet.dts is not None else None):
                    cleaned.stream = picture
                    out.mux(cleaned)
            sound.end()
        self._rate = self._frames / last if last else Fraction(self._video.average_rate or 25)
        self._rows, self._columns = self._video.height, self._video.width

    def code(self, rotation: int) -> None:
        """The picture coded anew: upright, no larger and no faster than a phone shows."""
        self._rate = min(Fraction(self._video.average_rate or 25).limit_denominator(1000), _MOST_RATE)
        graph = self._drawing(rotation)
        with self._opened() as out:
            picture = out.add_stream("libx264", rate=self._rate, options=_CODING)
            picture.width, picture.height, picture.pix_fmt = self._columns, self._rows, "yuv420p"
            sound = _Sound(out, self._sound)

            def draw() -> None:
                while True:
                    try:
                        drawn = graph.vpull()
                    except (av.BlockingIOError, av.EOFError):
                        return
                    drawn.pict_type = 0
                    self._frames += 1
                    out.mux(picture.encode(drawn))

            for packet in self._source.demux(*self._streams()):
                if packet.stream is not self._video:
                    sound.take(packet)
                    continue
                for frame in packet.decode():
                    self._check(frame.time or 0)
                    graph.vpush(frame)
                    draw()
            graph.vpush(None)
            draw()
            out.mux(picture.encode(None))
            sound.end()

    def _opened(self) -> OutputContainer:
        return av.open(self._out, "w", format="mp4", options={"fflags": "+bitexact"})

    def _streams(self) -> list[Any]:
        return [self._video, self._sound] if self._sound else [self._video]

    def _moment(self, packet: "av.Packet[VideoStream]") -> Fraction:
        moment = Fraction(packet.pts or 0) * packet.time_base
        self._check(float(moment))
        return moment

    def _check(self, seconds: float) -> None:
        """What a file says of its length need not be true."""
        if seconds > MOST_SECONDS + 1:
            raise Unreadable(Refusal.TOO_LONG)
        if self._out.getbuffer().nbytes > LARGEST_VIDEO:
            raise Unreadable(Refusal.TOO_LARGE)

    def _drawing(self, rotation: int) -> Graph:
        video = self._video
        width = video.width * float(video.sample_aspect_ratio or 1)
        share = min(1.0, LONGEST_SIDE / max(width, video.height))
        across, down = (max(int(side * share) // 2 * 2, 2) for side in (width, video.height))
        is_lying = rotation in (-90, 90)
        self._columns, self._rows = (down, across) if is_lying else (across, down)
        steps = [f"fps={self._rate}", f"scale={across}:{down}:out_color_matrix=bt709:out_range=tv", "setsar=1"]
        if rotation in _TURNED:
            steps.append(_TURNED[rotation])
        graph = Graph()
        places = [graph.add_buffer(template=video)]
        for step in [*",".join(steps).split(","), "format=yuv420p"]:
            name, _equals, arguments = step.partition("=")
            places.append(graph.add(name, arguments))
        graph.link_nodes(*places, graph.add("buffersink")).configure()
        return graph


class _Sound:
    """The sound of a video: AAC as it is, any other made AAC (which DICOM's viewers know), none where there is none."""

    def __init__(self, out: OutputContainer, sound: Any) -> None:
        self._out, self._sampler = out, None
        self._stream: Any = None
        if sound is None:
            return
        if sound.codec_context.name == "aac":
            self._stream = out.add_stream_from_template(sound)
            self._stream.metadata.clear()
        else:
            self._stream = out.add_stream("aac", rate=_SOUND_RATE, layout="stereo")
            self._sampler = AudioResampler("fltp", "stereo", _SOUND_RATE, frame_size=1024)

    def take(self, packet: Any) -> None:
        """One packet of it, in its turn."""
        if self._sampler is None:
            if packet.dts is not None and not packet.is_discard:
                packet.stream = self._stream
                self._out.mux(packet)
            return
        for frame in packet.decode():
            self._encode(frame)

    def end(self) -> None:
        """What is still held back."""
        if self._sampler is not None:
            self._encode(None)
            self._out.mux(self._stream.encode(None))

    def _encode(self, frame: Any) -> None:
        assert self._sampler is not None
        for sampled in self._sampler.resample(frame):
            self._out.mux(self._stream.encode(sampled))
