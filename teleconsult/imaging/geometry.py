"""What the pixels claim to be, checked before anything is decoded (PS3.3 C.7.6.3)."""

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import EncapsulatedPDFStorage

from teleconsult.imaging.codecs import add_decoders
from teleconsult.imaging.frame_index import VIDEO
from teleconsult.imaging.reading import MIB, PIXELS, UNDEFINED, Opened
from teleconsult.imaging.refusals import Refusal, Unreadable

LARGEST_FRAME = 128 * MIB
LARGEST_SIDE = 32768
_SMALLEST_FRAGMENT = 8
"""An item's tag and length: no frame of encapsulated pixel data is shorter (PS3.5 A.4)."""
_PHOTOMETRIC = {
    1: {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"},
    3: {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"},
}


@dataclass(frozen=True, slots=True)
class Geometry:
    """Rows and columns in pixels, bits of one sample, samples of one pixel, number of frames."""

    rows: int
    columns: int
    samples: int
    bits: int
    frames: int
    photometric: str

    @property
    def frame_bits(self) -> int:
        """The size of one decoded frame, in bits; sub-sampled colour counted in full."""
        return self.rows * self.columns * self.samples * self.bits

    @property
    def stored_bits(self) -> int:
        """The size of one native frame as it is stored, in bits."""
        return self.frame_bits * 2 // 3 if self.photometric == "YBR_FULL_422" else self.frame_bits


def geometry_of(opened: Opened) -> Geometry:
    """The claims of the header, where they can be true and a decoder of ours can hold them.

    Raises Unreadable: DOCUMENT, VIDEO, NO_PIXELS, UNKNOWN_CODING, TOO_LARGE for one frame over 128 MiB,
    BAD_GEOMETRY where the file is too short for what it claims.
    """
    if opened.dataset.get("SOPClassUID") == EncapsulatedPDFStorage:
        raise Unreadable(Refusal.DOCUMENT)
    if opened.pixel_tag not in PIXELS or not opened.length:
        raise Unreadable(Refusal.NO_PIXELS)
    if opened.stored_syntax.startswith(VIDEO):
        raise Unreadable(Refusal.VIDEO)
    geometry = claimed(opened.dataset)
    if geometry.photometric not in _PHOTOMETRIC.get(geometry.samples, set()) or not _has_decoder(opened):
        raise Unreadable(Refusal.UNKNOWN_CODING)
    if max(geometry.rows, geometry.columns) > LARGEST_SIDE or geometry.frame_bits > LARGEST_FRAME * 8:
        raise Unreadable(Refusal.TOO_LARGE)
    present = opened.size - opened.pixels_at
    if opened.syntax.is_encapsulated:
        needed = geometry.frames * _SMALLEST_FRAGMENT
    else:
        needed = geometry.frames * geometry.stored_bits // 8
        present = min(present, opened.length)
    if present < needed:
        raise Unreadable(Refusal.BAD_GEOMETRY)
    return geometry


def claimed(ds: Dataset) -> Geometry:
    """What the header says, whether or not it can be decoded here. Raises Unreadable where that cannot hold."""
    try:
        geometry = Geometry(
            rows=int(ds.Rows),
            columns=int(ds.Columns),
            samples=int(ds.get("SamplesPerPixel") or 1),
            bits=int(ds.BitsAllocated),
            frames=int(ds.get("NumberOfFrames") or 1),
            photometric=str(ds.get("PhotometricInterpretation") or ""),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise Unreadable(Refusal.BAD_GEOMETRY) from error
    if min(geometry.rows, geometry.columns, geometry.frames) < 1 or geometry.bits not in (1, 8, 16, 32, 64):
        raise Unreadable(Refusal.BAD_GEOMETRY)
    return geometry


def _has_decoder(opened: Opened) -> bool:
    add_decoders()
    if opened.syntax.is_encapsulated != (opened.length == UNDEFINED):
        return False
    try:
        return bool(get_decoder(opened.syntax).is_available)
    except NotImplementedError:
        return False
