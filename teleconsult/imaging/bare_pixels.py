"""Pixels and nothing beside them: no words after the last one, none in the header of a JPEG. Runs only inside a
sandbox worker."""

from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames

from teleconsult.imaging.captures.documents import without_comments
from teleconsult.imaging.geometry import claimed
from teleconsult.imaging.reading import PIXELS

_JPEG: Final = ("1.2.840.10008.1.2.4.5", "1.2.840.10008.1.2.4.7", "1.2.840.10008.1.2.4.8")
"""How the transfer syntaxes of JPEG and JPEG-LS begin (PS3.5 §8.2.1, §8.2.3)."""


def bare(ds: Dataset) -> None:
    """Take away what stands beside the pixels; they themselves stay as they are. Raises Unreadable."""
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax.startswith(_JPEG):
        _strip_frames(ds)
    elif not syntax.is_encapsulated:
        geometry = claimed(ds)
        whole = -(-geometry.frames * geometry.stored_bits // 8)
        for keyword in PIXELS.values():
            if keyword in ds and len(ds[keyword].value) > whole:
                ds[keyword].value = ds[keyword].value[:whole] + b"\0" * (whole % 2)


def has_hidden_bits(ds: Dataset) -> bool:
    """Whether something stands in bits that are none of the picture's: an overlay, though nothing describes it."""
    is_plain = not ds.file_meta.TransferSyntaxUID.is_encapsulated and ds.get("PixelRepresentation") == 0
    bits, stored = ds.get("BitsAllocated"), ds.get("BitsStored")
    if not is_plain or (bits, "PixelData" in ds) != (16, True) or not stored or ds.get("HighBit") != stored - 1:
        return False
    order = "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
    whole = len(ds.PixelData) // 2
    return bool(np.frombuffer(ds.PixelData, f"{order}u2", count=whole).max(initial=0) >> stored)


def _strip_frames(ds: Dataset) -> None:
    starts, lengths = ds.get("ExtendedOffsetTable"), ds.get("ExtendedOffsetTableLengths")
    told = (bytes(starts), bytes(lengths)) if starts and lengths else None
    frames = generate_frames(ds.PixelData, number_of_frames=claimed(ds).frames, extended_offsets=told)
    ds["PixelData"].value = encapsulate([without_comments(frame) for frame in frames])
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in ds:  # of before
            delattr(ds, keyword)
