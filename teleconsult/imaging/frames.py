"""One frame as numbers, and what they mean (PS3.3 C.7.6.3, C.11.1). Runs only inside a sandbox worker."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import as_pixel_options

from teleconsult.imaging.codecs import add_decoders, size_in
from teleconsult.imaging.geometry import Geometry, geometry_of
from teleconsult.imaging.parsing import number, window_of
from teleconsult.imaging.reading import PIXELS, Opened, open_instance
from teleconsult.imaging.refusals import Refusal, Unreadable

Pixels = np.ndarray[Any, np.dtype[Any]]

_AUTO_TAILS = (1.0, 99.0)
"""Percentiles between which grey lies where the header names no window."""
_FARTHEST = 1e100
"""Beyond it a number means nothing; within it, what is reckoned with several of them is still a number."""


@dataclass(frozen=True, slots=True)
class FrameDescription:
    """How to show the samples of a frame: value = sample x slope + intercept, then the window, then the inversion."""

    rows: int
    columns: int
    samples: int
    """1 grey, 3 red-green-blue."""
    type: str
    """`uint8`, `int16` or `uint16`, little endian."""
    slope: float
    intercept: float
    is_inverted: bool
    window_center: float
    window_width: float

    def as_json(self) -> dict[str, Any]:
        """For the worker's answer and the response header."""
        return asdict(self)


def decode_frame(path: Path, index: int) -> tuple[FrameDescription, Pixels]:
    """Frame `index` (from 0) as uint8, int16 or uint16, colour as RGB. Raises Unreadable."""
    with frames_of(path) as frame:
        return frame(index)


@contextmanager
def frames_of(path: Path) -> Iterator[Callable[[int], tuple[FrameDescription, Pixels]]]:
    """What `decode_frame` does, for as many frames of one file as are wanted: its header is read once."""
    add_decoders()
    opened = open_instance(path)
    with opened.file:
        _turn_palette(opened)
        yield partial(_frame, opened, geometry_of(opened))


def _frame(opened: Opened, geometry: Geometry, index: int) -> tuple[FrameDescription, Pixels]:
    if not 0 <= index < geometry.frames:
        raise Unreadable(Refusal.NO_PIXELS)
    pixels = _decoded(opened, geometry, index)
    if geometry.photometric == "PALETTE COLOR":
        return _color(geometry, *_through_palette(opened.dataset, pixels))
    if geometry.samples == 3:
        return _color(geometry, pixels, geometry.bits)
    return _grey(opened.dataset, geometry, pixels, index)


def stored_frame(path: Path, index: int, *, is_native: bool) -> bytes:
    """Frame `index` (from 0) as the file has it; where `is_native`, as Explicit VR Little Endian has it (PS3.5 §A.2).

    Raises Unreadable, also for colour whose decoding would no longer be what the header says of it.
    """
    add_decoders()
    opened = open_instance(path)
    with opened.file:
        geometry = geometry_of(opened)
        if not 0 <= index < geometry.frames:
            raise Unreadable(Refusal.NO_PIXELS)
        if not opened.syntax.is_encapsulated:
            return _native(opened, geometry, index)
        if not is_native:
            return _codestream(opened, geometry, index)
        pixels = _as_told(opened, geometry, index)
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<")).tobytes()


def stored_samples(path: Path, index: int) -> Pixels:
    """Frame `index` (from 0) as the header tells of it, in 8 or 16 bits. Raises Unreadable."""
    return _through(_as_told, path, index)[0]


def decoded_frame(path: Path, index: int) -> tuple[Pixels, int]:
    """Frame `index` (from 0) in 8 or 16 bits, colour as RGB, and how many there are. Raises Unreadable."""
    return _through(_decoded, path, index)


def _through(decode: Callable[[Opened, Geometry, int], Pixels], path: Path, index: int) -> tuple[Pixels, int]:
    add_decoders()
    opened = open_instance(path)
    with opened.file:
        geometry = geometry_of(opened)
        if not 0 <= index < geometry.frames:
            raise Unreadable(Refusal.NO_PIXELS)
        if geometry.bits not in (8, 16):
            raise Unreadable(Refusal.UNKNOWN_CODING)
        return decode(opened, geometry, index), geometry.frames


def _as_told(opened: Opened, geometry: Geometry, index: int) -> Pixels:
    """Decoded to what the header says of the samples; colour whose decoding would be another is refused."""
    if geometry.bits == 1 or (geometry.samples == 3 and geometry.photometric != "RGB"):
        raise Unreadable(Refusal.UNKNOWN_CODING)
    return _decoded(opened, geometry, index)


def _native(opened: Opened, geometry: Geometry, index: int) -> bytes:
    if geometry.bits == 1:
        return np.packbits(_single_bits(opened, geometry, index).ravel(), bitorder="little").tobytes()
    length = geometry.stored_bits // 8
    content = _read(opened, opened.pixels_at + index * length, length)
    width = 2 if opened.pixel_vr == "OW" and geometry.bits == 8 else geometry.bits // 8
    if opened.syntax.is_little_endian or width == 1:
        return content
    return np.frombuffer(content, f"u{width}").byteswap().tobytes()


def _decoded(opened: Opened, geometry: Geometry, index: int) -> Pixels:
    """Read one frame's bytes, compare what they say of themselves with the header, decode."""
    if geometry.bits == 1 and not opened.syntax.is_encapsulated:
        return _single_bits(opened, geometry, index)
    options: dict[str, Any] = as_pixel_options(opened.dataset)
    options |= {"number_of_frames": 1, "pixel_vr": opened.pixel_vr, "pixel_keyword": PIXELS[opened.pixel_tag]}
    options.pop("extended_offsets", None)
    if opened.syntax.is_encapsulated:
        content = encapsulate([_codestream(opened, geometry, index)], has_bot=False)
    else:
        length = geometry.stored_bits // 8
        content = _read(opened, opened.pixels_at + index * length, length)
        content += b"\0" * (len(content) % 2)
    pixels, _properties = get_decoder(opened.syntax).as_array(content, index=0, **options)
    return pixels


def _codestream(opened: Opened, geometry: Geometry, index: int) -> bytes:
    opened.file.seek(opened.pixels_at)
    offsets = opened.dataset.get("ExtendedOffsetTable"), opened.dataset.get("ExtendedOffsetTableLengths")
    frame = get_frame(
        opened.file,
        index,
        number_of_frames=geometry.frames,
        extended_offsets=offsets if all(offsets) else None,
    )
    size = size_in(frame)
    if size is not None and size != (geometry.rows, geometry.columns):
        raise Unreadable(Refusal.BAD_GEOMETRY)
    return frame


def _single_bits(opened: Opened, geometry: Geometry, index: int) -> Pixels:
    """A frame of one bit a pixel need not begin on a byte (PS3.5 8.1.1)."""
    first = index * geometry.frame_bits
    content = _read(opened, opened.pixels_at + first // 8, math.ceil((first % 8 + geometry.frame_bits) / 8))
    bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    return bits[first % 8 :][: geometry.frame_bits].reshape(geometry.rows, geometry.columns)


def _read(opened: Opened, start: int, length: int) -> bytes:
    opened.file.seek(start)
    content = opened.file.read(length)
    if len(content) < length:
        raise Unreadable(Refusal.TRUNCATED)
    return content


def _turn_palette(opened: Opened) -> None:
    """pydicom takes the tables of a big-endian file to be little endian."""
    ds = opened.dataset
    for color in ("Red", "Green", "Blue"):
        name = f"{color}PaletteColorLookupTableData"
        if not opened.syntax.is_little_endian and name in ds and ds[name].VR == "OW":
            ds[name].value = np.frombuffer(ds[name].value, "<u2").byteswap().tobytes()


def _through_palette(ds: Dataset, pixels: Pixels) -> tuple[Pixels, int]:
    """Red, green, blue and the bits of one, by the image's own tables (PS3.3 C.7.6.3.1.5)."""
    descriptor: Any = ds.RedPaletteColorLookupTableDescriptor
    return apply_color_lut(pixels, ds), int(descriptor[2])


def _color(geometry: Geometry, pixels: Pixels, bits: int) -> tuple[FrameDescription, Pixels]:
    if pixels.dtype != np.uint8:
        pixels = (pixels.astype(np.float32) * (255 / (2**bits - 1))).clip(0, 255).astype(np.uint8)
    description = FrameDescription(geometry.rows, geometry.columns, 3, "uint8", 1, 0, False, 127.5, 255)
    return description, pixels


def _grey(ds: Dataset, geometry: Geometry, pixels: Pixels, index: int) -> tuple[FrameDescription, Pixels]:
    transformation = _of_frame(ds, index, "PixelValueTransformationSequence")
    slope, intercept = _float(transformation, "RescaleSlope", 1), _float(transformation, "RescaleIntercept", 0)
    if "ModalityLUTSequence" in ds:
        pixels, slope, intercept = apply_modality_lut(pixels, ds), 1.0, 0.0
    pixels, slope, intercept = _narrowed(pixels, slope or 1.0, intercept)
    center, width = window_of(_of_frame(ds, index, "FrameVOILUTSequence"))
    if center is None or width is None:
        center, width = _auto_window(ds, pixels, slope, intercept)
    return FrameDescription(
        rows=geometry.rows,
        columns=geometry.columns,
        samples=1,
        type=pixels.dtype.name,
        slope=slope,
        intercept=intercept,
        is_inverted=geometry.photometric == "MONOCHROME1",
        window_center=center,
        window_width=width,
    ), pixels


def _narrowed(pixels: Pixels, slope: float, intercept: float) -> tuple[Pixels, float, float]:
    """The same values in 8 or 16 bits: exact where they fit, else in 65,536 even steps over their range.

    What is infinite is the farthest of the others; what is no number, the lowest.
    """
    if pixels.dtype in (np.uint8, np.int16, np.uint16):
        return pixels, slope, intercept
    values = pixels.astype(np.float64)
    known = np.isfinite(values)
    np.clip(values, -_FARTHEST, _FARTHEST, out=values, where=known)
    low = float(values.min(where=known, initial=_FARTHEST)) if known.any() else 0.0
    high = float(values.max(where=known, initial=low))
    np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    for narrow in (np.int16, np.uint16):
        bounds = np.iinfo(narrow)
        if pixels.dtype.kind in "iu" and bounds.min <= low and high <= bounds.max:
            return pixels.astype(narrow), slope, intercept
    step = (high - low) / 65535 or 1.0
    return np.round((values - low) / step).astype(np.uint16), slope * step, intercept + slope * low


def _auto_window(ds: Dataset, pixels: Pixels, slope: float, intercept: float) -> tuple[float, float]:
    """Centre and width over nearly all values, leaving out what only fills the frame (0028,0120)."""
    seen = pixels
    if "PixelPaddingValue" in ds:
        inside = pixels[pixels != number(ds, "PixelPaddingValue")]
        seen = inside if inside.size else pixels
    low, high = (float(value) * slope + intercept for value in np.percentile(seen, _AUTO_TAILS))
    if low == high:
        low, high = (float(value) * slope + intercept for value in (seen.min(), seen.max()))
    return (low + high) / 2 + 0.5, max(abs(high - low), 1.0) + 1


def _of_frame(ds: Dataset, index: int, sequence: str) -> Dataset:
    """Where a value of this frame stands (PS3.3 C.7.6.16): its own group, the shared one, or the data set."""
    frames, shared = ds.get("PerFrameFunctionalGroupsSequence") or [], ds.get("SharedFunctionalGroupsSequence") or []
    for group in [*frames[index : index + 1], *shared[:1]]:
        items = group.get(sequence)
        if items:
            found: Dataset = items[0]
            return found
    return ds


def _float(ds: Dataset, keyword: str, default: float) -> float:
    try:
        value = float(str(ds.get(keyword, default)))
    except ValueError:
        return default
    return value if abs(value) <= _FARTHEST else default
