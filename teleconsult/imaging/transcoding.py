"""An instance in Explicit VR Little Endian (PS3.5 §A.2), whatever it is kept in: its header, then frame by frame.

Runs only inside a sandbox worker.
"""

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from teleconsult.imaging.frames import Pixels, decoded_frame
from teleconsult.imaging.reading import Opened, open_instance
from teleconsult.imaging.refusals import Refusal, Unreadable

_LONGEST: Final = 0xFFFFFFFE
"""Bytes of a value whose length has 32 bits and is not undefined."""
_PIXELS_HEAD: Final = struct.Struct("<HH2sHI")
_OF_FRAGMENTS: Final = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")


@dataclass(frozen=True, slots=True)
class Transcoded:
    """A file but for its frames: `head` goes before them, and each has `frame_length` bytes."""

    head: bytes
    frame_length: int
    frames: int


def transcoded(path: Path) -> Transcoded:
    """Everything up to the pixels, with the attributes that tell of them as they will be.

    Colour becomes red, green and blue, sample by sample. What stands behind the pixels is left out: a signature of
    other bytes. Raises Unreadable, also for what has no frames, or more than such a file can hold.
    """
    opened = open_instance(path)
    opened.file.close()
    if not opened.syntax.is_little_endian:  # whose long values would have to be turned, one by one
        raise Unreadable(Refusal.UNKNOWN_CODING)
    pixels, frames = decoded_frame(path, 0)
    length = pixels.nbytes
    if length * frames > _LONGEST:
        raise Unreadable(Refusal.TOO_LARGE)
    ds = opened.dataset
    _tell(ds, pixels)
    head = BytesIO()
    dcmwrite(head, _in_a_file(opened), enforce_file_format=True)
    vr = b"OW" if pixels.itemsize > 1 else b"OB"
    return Transcoded(
        head.getvalue() + _PIXELS_HEAD.pack(0x7FE0, 0x0010, vr, 0, length * frames + length * frames % 2),
        length,
        frames,
    )


def plain_frame(path: Path, index: int) -> bytes:
    """Frame `index` (from 0) as it stands in such a file. Raises Unreadable."""
    pixels, _frames = decoded_frame(path, index)
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<")).tobytes()


def _tell(ds: Dataset, pixels: Pixels) -> None:
    if ds.BitsAllocated != pixels.itemsize * 8:
        ds.BitsAllocated = pixels.itemsize * 8
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
    for keyword in _OF_FRAGMENTS:
        if keyword in ds:
            delattr(ds, keyword)


def _in_a_file(opened: Opened) -> Dataset:
    """The data set with meta information of our own (PS3.10 §7.1)."""
    ds: Any = opened.dataset
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta = meta
    return opened.dataset
