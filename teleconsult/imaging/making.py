"""What thin links need of an instance, made of its frames in one go. Runs only inside a sandbox worker."""

from pathlib import Path
from typing import Final

from pydicom import uid
from pydicom.filereader import read_file_meta_info

from teleconsult.imaging.codestreams import coded
from teleconsult.imaging.frames import FrameDescription, Pixels, frames_of
from teleconsult.imaging.packs import Record
from teleconsult.imaging.rendering import THUMBNAIL_SIZE, Drawing, drawn, preview, rendered

_WITHOUT_LOSS: Final = frozenset(
    {
        *(uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian),
        *(uid.DeflatedExplicitVRLittleEndian, uid.RLELossless, uid.JPEG2000Lossless, uid.JPEGLSLossless),
        *(uid.JPEGLossless, uid.JPEGLosslessSV1, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL),
    }
)
"""Transfer syntaxes of which a codestream without loss is worth its room; what lost something is smaller as it is."""

_QUICKLY_READ: Final = frozenset(uid.UncompressedTransferSyntaxes)
LARGE: Final = 1024 * 1024
"""Pixels of a frame that takes a quarter of a second or more to decode, where it is compressed."""

Made = dict[str, list[Record]]
"""Records by kind (`models.RenditionKind`)."""


def made_of(path: Path, *, first: int, count: int, middle: int) -> Made:
    """Of `count` frames from `first` (from 0): previews, codestreams of grey ones kept without loss, a thumbnail of
    `middle` if it is among them, and of frame 0 the whole picture if it is large, grey and compressed. A frame that
    cannot be read has empty records. Raises Unreadable for the whole file.
    """
    syntax = read_file_meta_info(path).TransferSyntaxUID
    is_exact, is_compressed = syntax in _WITHOUT_LOSS, syntax not in _QUICKLY_READ
    made: Made = {"preview": [], "codestream": [], "thumbnail": [], "picture": []}
    with frames_of(path) as frame:
        for index in range(first, first + count):
            try:
                description, pixels = frame(index)
            except MemoryError:
                raise
            except Exception:  # a decoder of strangers' bytes raises anything; the other frames stand
                made["preview"].append(Record({}, b""))
                made["codestream"].append(Record({}, b""))
                continue
            made["preview"].append(_preview(description, pixels))
            made["codestream"].append(_codestream(description, pixels) if is_exact else Record({}, b""))
            if index == 0 and is_compressed and description.samples == 1 and pixels.size >= LARGE:
                made["picture"].append(Record({}, drawn(description, pixels, Drawing())))
            if index == middle:
                made["thumbnail"].append(Record({}, rendered(description, pixels, size=THUMBNAIL_SIZE)))
    return made


def _preview(description: FrameDescription, pixels: Pixels) -> Record:
    content, is_rendered = preview(description, pixels)
    return Record({"is_rendered": is_rendered}, content)


def _codestream(description: FrameDescription, pixels: Pixels) -> Record:
    if description.samples != 1:
        return Record({}, b"")
    made = coded(description.as_json(), pixels)
    return Record(made.description, made.content)
