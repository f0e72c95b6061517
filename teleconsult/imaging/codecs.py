"""imagecodecs behind pydicom's decoders, for what its own plugins leave out, and what a codestream says of its size.

A plugin is a module with `DECODER_DEPENDENCIES`, `is_available` and the decoding function:
https://pydicom.github.io/pydicom/stable/guides/decoding/decoder_plugins.html
"""

from functools import cache
from typing import Any

import imagecodecs
from pydicom import uid
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

DECODER_DEPENDENCIES = {
    uid.JPEGExtended12Bit: ("imagecodecs",),
    uid.JPEGLossless: ("imagecodecs",),
    uid.JPEGLosslessSV1: ("imagecodecs",),
}
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
"""SOF0 to SOF15 but the table markers between them (T.81 B.1.1.3), and JPEG-LS's SOF55 (T.87 C.1.1)."""


def is_available(syntax: str) -> bool:
    """pydicom asks this when the plugin is registered."""
    return syntax in DECODER_DEPENDENCIES


def decode_jpeg(src: bytes, runner: DecodeRunner) -> bytes:
    """Decode a JPEG of 12 bits (process 2 and 4) or a lossless one (process 14) to little-endian samples."""
    lossless = runner.transfer_syntax != uid.JPEGExtended12Bit
    decoded: Any = imagecodecs.jpegsof3_decode(src) if lossless else imagecodecs.jpeg8_decode(src)
    runner.set_option("bits_allocated", decoded.dtype.itemsize * 8)
    runner.set_option("planar_configuration", 0)
    content: bytes = decoded.tobytes()
    return content


@cache
def add_decoders() -> None:
    """Give pydicom our plugin, once a process."""
    for syntax in DECODER_DEPENDENCIES:
        get_decoder(syntax).add_plugin("imagecodecs", (__name__, "decode_jpeg"))


def size_in(codestream: bytes) -> tuple[int, int] | None:
    """Rows and columns as a JPEG, JPEG-LS or JPEG 2000 codestream itself says; None for other coding (RLE)."""
    start = codestream.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start >= 0 and not codestream.startswith(b"\xff\xd8"):
        right, bottom, left, top = (_integer(codestream, start + 8 + 4 * at, 4) for at in range(4))
        return bottom - top, right - left
    if not codestream.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(codestream):
        if codestream[at] != 0xFF:
            return 0, 0
        marker = codestream[at + 1]
        if marker in _START_OF_FRAME:
            return _integer(codestream, at + 5, 2), _integer(codestream, at + 7, 2)
        at += 1 if marker == 0xFF else 2 + _integer(codestream, at + 2, 2)
    return 0, 0


def _integer(content: bytes, at: int, length: int) -> int:
    return int.from_bytes(content[at : at + length], "big")
