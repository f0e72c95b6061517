"""Moving images as a video for thin links: VP9 in WebM, which browsers play (libvpx, BSD). Only in a sandbox worker.

It is for looking at movement; what is read closely are the frames themselves.
"""

import math
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.video.stream import VideoStream

from teleconsult.imaging.frames import frames_of
from teleconsult.imaging.geometry import claimed
from teleconsult.imaging.moving import MODALITIES, rate_of
from teleconsult.imaging.reading import open_instance
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.rendering import picture_of

LARGEST_SIDE: Final = 640
MOST_FRAMES: Final = 6000
MOST_BYTES: Final = 64 * 1024 * 1024
BITS_A_SECOND: Final = 600_000
"""It plays as it comes over 1 Mbit/s."""
_OPTIONS: Final = {"deadline": "realtime", "cpu-used": "6", "crf": "33", "row-mt": "1"}


def video_of(path: Path) -> bytes:
    """All frames under the window of the middle one, at the rate the header names. Raises Unreadable; also for what
    does not move.
    """
    opened = open_instance(path)
    opened.file.close()
    rate, count = rate_of(opened.dataset), claimed(opened.dataset).frames
    if rate is None or count < 2 or opened.dataset.get("Modality") not in MODALITIES:
        raise Unreadable(Refusal.NO_PIXELS)
    if count > MOST_FRAMES:
        raise Unreadable(Refusal.TOO_LARGE)
    out = BytesIO()
    with frames_of(path) as frame, av.open(out, "w", format="webm") as video:
        middle, _pixels = frame(count // 2)
        window = (middle.window_center, middle.window_width)
        stream: VideoStream | None = None
        for index in range(count):
            picture = picture_of(*frame(index), window, LARGEST_SIDE)
            drawn = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            stream = stream or _stream(video, rate, picture.size)
            drawn = drawn.reformat(width=stream.width, height=stream.height, format="yuv420p")
            drawn.pts, drawn.time_base = index, 1 / rate
            video.mux(stream.encode(drawn))
            if out.tell() > MOST_BYTES:
                raise Unreadable(Refusal.TOO_LARGE)
        if stream is not None:
            video.mux(stream.encode())
    return out.getvalue()


def _stream(video: "av.container.OutputContainer", rate: Fraction, size: tuple[int, int]) -> VideoStream:
    stream = video.add_stream("libvpx-vp9", rate=rate, options=_OPTIONS)
    stream.width, stream.height = (max(side // 2 * 2, 2) for side in size)
    stream.pix_fmt, stream.bit_rate = "yuv420p", BITS_A_SECOND
    stream.gop_size = math.ceil(rate) * 2
    return stream
