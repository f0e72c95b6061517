"""Open a DICOM file that a stranger wrote, up to its pixels (PS3.10 §7). Runs only inside a sandbox worker."""

import zlib
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_file_meta_info, read_partial
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from teleconsult.imaging.frame_index import is_cut_off
from teleconsult.imaging.refusals import Refusal, Unreadable

MIB = 1024 * 1024
LARGEST_ELEMENT = 16 * MIB
LARGEST_HEADER = 32 * MIB
LARGEST_INFLATED = 256 * MIB
UNDEFINED = 0xFFFFFFFF

PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
"""The elements that hold pixels (PS3.3 C.7.6.24, C.7.6.25, C.7.6.3)."""
_PREFIX = 132
_IMPLICIT_HEAD, _LONG_HEAD = 8, 12
"""Bytes of a tag, a VR where it is explicit, and a length (PS3.5 §7.1)."""
_GROUP_LENGTH_ELEMENT = 12


@dataclass(frozen=True, slots=True)
class Opened:
    """A header, and the file standing at the value of its pixel data (`length` bytes, or UNDEFINED).

    An element that is too large to be read ends the header, too: then `pixel_tag` is that one's, not one of `PIXELS`.
    """

    dataset: FileDataset
    stored_syntax: UID
    syntax: UID
    """How `file` is coded: the stored one, but for deflated files."""
    file: BinaryIO
    pixel_tag: int
    pixel_vr: str
    pixels_at: int
    length: int
    size: int
    """Of the whole file, in bytes, as `file` is coded."""
    elements: tuple[tuple[int, str | None, int], ...]
    """Of the data set itself, in the order of the file: tag, the VR that stands there, and where the value begins."""


def open_instance(path: Path) -> Opened:
    """Read everything before the pixels. The caller closes `file`.

    Raises Unreadable for what is not a whole, plain DICOM file; other exceptions of the parser pass through
    and are made into a refusal by the worker.
    """
    file: BinaryIO = path.open("rb")
    size = path.stat().st_size
    if not size:
        raise Unreadable(Refusal.EMPTY)
    if file.read(_PREFIX)[128:] != b"DICM":
        raise Unreadable(Refusal.NOT_DICOM)
    meta = read_file_meta_info(path)
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise Unreadable(Refusal.DIRECTORY)
    stored_syntax = syntax = UID(meta.get("TransferSyntaxUID", ""))
    if not syntax:
        raise Unreadable(Refusal.NO_SYNTAX)
    if syntax == DeflatedExplicitVRLittleEndian:
        file = _inflated(file, meta)
        size = file.seek(0, SEEK_END)
        syntax = ExplicitVRLittleEndian
    file.seek(0)
    tag, vr, length, head = 0, "", 0, _LONG_HEAD
    elements: list[tuple[int, str | None, int]] = []

    def at_pixels(element: BaseTag, element_vr: str | None, element_length: int) -> bool:
        nonlocal tag, vr, length, head
        is_told = element_length != UNDEFINED
        if element not in PIXELS and is_told and file.tell() + element_length > size:
            raise Unreadable(Refusal.TRUNCATED)
        if element in PIXELS or (element_length > LARGEST_ELEMENT and is_told):
            tag, vr, length = int(element), element_vr or "OW", element_length
            head = _LONG_HEAD if element_vr else _IMPLICIT_HEAD  # some are implicit against their own syntax
            return True
        if file.tell() > LARGEST_HEADER:
            raise Unreadable(Refusal.HEADER_TOO_LARGE)
        elements.append((int(element), element_vr, file.tell()))
        return False

    dataset = read_partial(file, stop_when=at_pixels)
    return Opened(dataset, stored_syntax, syntax, file, tag, vr, file.tell() + head, length, size, tuple(elements))


def check_ending(opened: Opened) -> None:
    """Raises Unreadable where the file ends within its pixels: its sender has more, and may send it whole.

    Pixels that are whole, but fewer than the header claims, are no matter of this.
    """
    if opened.length == UNDEFINED:
        is_cut = is_cut_off(opened.file, pixels_at=opened.pixels_at, size=opened.size)
    else:
        is_cut = opened.pixels_at + opened.length > opened.size
    if opened.pixel_tag in PIXELS and is_cut:
        raise Unreadable(Refusal.TRUNCATED)


def _inflated(file: BinaryIO, meta: Dataset) -> BinaryIO:
    """The same file with its data set inflated (PS3.5 A.5), up to a bound that a bomb does not pass."""
    length = meta.get("FileMetaInformationGroupLength")
    if length is None:
        raise Unreadable(Refusal.NOT_DICOM)
    file.seek(_PREFIX + _GROUP_LENGTH_ELEMENT + int(length))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(file.read(), LARGEST_INFLATED)
    if not inflater.eof:
        raise Unreadable(Refusal.TOO_LARGE if inflater.unconsumed_tail else Refusal.TRUNCATED)
    file.close()
    plain = BytesIO()
    plain.write(b"\0" * 128 + b"DICM")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    write_file_meta_info(plain, meta, enforce_standard=False)  # type: ignore[arg-type]  # FileMetaDataset as read
    plain.write(content)
    return plain
