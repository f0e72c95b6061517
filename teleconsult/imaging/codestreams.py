"""Frames as HTJ2K (ISO/IEC 15444-15) whose every beginning can be shown: lossless, RPCL, TLM (PS3.5 §10.18).

A tile-part is a resolution, the coarsest first. Runs only inside a sandbox worker.
"""

import struct
from dataclasses import dataclass, fields
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
import orjson

from teleconsult.imaging.frames import FrameDescription, Pixels, decode_frame, stored_samples

SMALLEST_SIDE: Final = 64
"""The coarsest resolution is at most so large, in pixels."""
_MOST_SIGNED: Final = 0x7FFF
_MARKER: Final = struct.Struct(">HH")
_START_OF_TILE_PART: Final = 0xFF90
_PART_LENGTH_AT: Final = 6


@dataclass(frozen=True, slots=True)
class Codestream:
    """A coded frame, and what its samples mean (`FrameDescription.as_json`, and `levels`)."""

    description: dict[str, Any]
    content: bytes


def codestream_of(path: Path, index: int) -> Codestream:
    """Frame `index` (from 0) with the values of `decode_frame`. Raises Unreadable.

    What fits is coded as int16, and `type` says so: where unsigned samples lie near 0, the coarser resolutions
    undershoot it, and some decoders wrap around. Colour is RGB under the reversible transform.
    """
    description, pixels = decode_frame(path, index)
    return coded(description.as_json(), pixels)


def coded(description: dict[str, Any], pixels: Pixels) -> Codestream:
    """The samples under that description, coded; it gets their `type`, and in `levels` width, height and bytes of each
    resolution, the last one's being all of them.
    """
    if pixels.ndim == 2 and pixels.dtype.kind == "u" and int(pixels.max()) <= _MOST_SIGNED:
        pixels = pixels.astype(np.int16)
    content = encode(pixels)
    rows, columns = pixels.shape[:2]
    return Codestream(
        description | {"type": pixels.dtype.name, "levels": levels_in(content, columns=columns, rows=rows)}, content
    )


def decoded(path: Path, *, start: int, head_length: int, length: int) -> tuple[FrameDescription, Pixels]:
    """What `decode_frame` gives, out of a record of what was coded beforehand (`packs.Span`): many times as fast as out
    of a JPEG 2000.
    """
    with path.open("rb") as pack:
        pack.seek(start)
        head, content = orjson.loads(pack.read(head_length)), pack.read(length)
    description = FrameDescription(**{field.name: head[field.name] for field in fields(FrameDescription)})
    return description, imagecodecs.htj2k_decode(content)


def encode(pixels: Pixels) -> bytes:
    """Grey samples of up to 16 bits, or RGB of 8, without loss."""
    halvings = 1
    while max(pixels.shape[:2]) > SMALLEST_SIDE << halvings:
        halvings += 1
    native = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    coded = imagecodecs.htj2k_encode(
        native, resolutions=halvings, reversible=True, tlm=True, tilepart=True, rgb=pixels.ndim == 3 or None
    )
    return bytes(coded)


def levels_in(codestream: bytes, *, columns: int, rows: int) -> list[list[int]]:
    """Width, height, and the bytes from the beginning that bring it, for each resolution of `encode`'s codestream."""
    at = 2
    marker, length = _MARKER.unpack_from(codestream, at)
    while marker != _START_OF_TILE_PART:
        at += 2 + length
        marker, length = _MARKER.unpack_from(codestream, at)
    parts = []
    while codestream[at : at + 2] == b"\xff\x90":
        parts.append(int.from_bytes(codestream[at + _PART_LENGTH_AT :][:4], "big"))
        at += parts[-1]
    ends = list(accumulate(parts, initial=at - sum(parts)))[1:]
    ends[-1] = len(codestream)
    return [
        [-(-columns >> missing), -(-rows >> missing), end]
        for missing, end in zip(range(len(ends) - 1, -1, -1), ends, strict=True)
    ]


def stored_codestream(path: Path, index: int) -> bytes:
    """Frame `index` (from 0) with the samples as the file has them, as its header tells of them. Raises Unreadable."""
    return encode(stored_samples(path, index))
