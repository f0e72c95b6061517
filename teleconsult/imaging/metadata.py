"""Metadata in the DICOM JSON Model (PS3.18 Annex F), made into data sets. Runs only inside a sandbox worker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRLittleEndian

from teleconsult.imaging.reading import LARGEST_ELEMENT, PIXELS
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.uids import IMPLEMENTATION, is_uid

MOST: Final = 1000
"""Instances of one piece of metadata."""
_PREAMBLE: Final = bytes(128) + b"DICM"
_UIDS: Final = {
    "study_uid": "0020000D",
    "series_uid": "0020000E",
    "sop_instance_uid": "00080018",
    "sop_class_uid": "00080016",
}
_META: Final = 0x0002

Bulks = Mapping[str, Mapping[str, Any]]
"""By what they are called (Content-Location): the transfer syntax of each, and the paths of its parts."""


def read_metadata(path: Path, bulks: Bulks) -> tuple[list[dict[str, Any]], bytes]:
    """What each instance is, and the bytes of all: of each its file up to the pixels, and what comes after them.

    An instance that cannot be read says why. Raises Unreadable for what is no list of instances.
    """
    told, pieces = [], []
    for content in _instances(path):
        one: dict[str, Any] = {name: _uid_in(content, tag) for name, tag in _UIDS.items()}
        try:
            head, body = _Reading(content, bulks).assembled()
        except Unreadable as error:
            one["refused"] = error.refusal.value
        except Exception:  # a stranger's JSON makes the parser raise anything; it spoils this instance alone
            one["refused"] = Refusal.DAMAGED.value
        else:
            one |= head
            pieces.append(body)
        told.append(one)
    return told, b"".join(pieces)


def _instances(path: Path) -> list[Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Unreadable(Refusal.DAMAGED) from error
    if not isinstance(found, list) or not 0 < len(found) <= MOST:
        raise Unreadable(Refusal.DAMAGED)
    return found


def _uid_in(content: Any, tag: str) -> str:
    try:
        value = str(content[tag]["Value"][0])
    except (KeyError, TypeError, IndexError):
        return ""
    return value if is_uid(value) else ""


class _Reading:
    """One instance; the pixels are not read, only where they are."""

    def __init__(self, content: dict[str, Any], bulks: Bulks) -> None:
        self._content, self._bulks = content, bulks
        self._pixels: tuple[int, str, str] | None = None
        self._room = LARGEST_ELEMENT

    def assembled(self) -> tuple[dict[str, Any], bytes]:
        """How long the bytes before and after the pixels are, and the pixels' element; and those bytes."""
        own = {tag: value for tag, value in self._content.items() if int(tag, 16) >> 16 != _META}
        for tag in PIXELS:
            element = own.get(f"{tag:08X}")
            if element is not None and "BulkDataURI" in element:
                self._pixels = tag, str(element.get("vr") or "OW"), str(element["BulkDataURI"])
                del own[f"{tag:08X}"]
        ds = Dataset.from_json(own, self._value)
        ds.SpecificCharacterSet = "ISO_IR 192"
        last = self._pixels[0] if self._pixels else 0xFFFFFFFF
        before, after = Dataset(), Dataset()
        for element in ds:
            (before if element.tag < BaseTag(last) else after).add(element)
        syntax, pixels = str(ExplicitVRLittleEndian), None
        if self._pixels is not None:
            tag, vr, place = self._pixels
            bulk = self._bulk(place)
            syntax, pixels = str(bulk["syntax"]), {"tag": tag, "vr": vr, "place": place}
        head, tail = _meta(ds, syntax) + _encoded(before), _encoded(after)
        return {"before": len(head), "after": len(tail), "syntax": syntax, "pixels": pixels}, head + tail

    def _value(self, _tag: str, _vr: str, place: str) -> bytes:
        """A long value other than the pixels; all of an instance's together are bounded."""
        content = b"".join(Path(path).read_bytes() for path in self._bulk(place)["paths"])
        self._room -= len(content)
        if self._room < 0:
            raise Unreadable(Refusal.HEADER_TOO_LARGE)
        return content + b"\0" * (len(content) % 2)

    def _bulk(self, place: str) -> Mapping[str, Any]:
        if place not in self._bulks:
            raise Unreadable(Refusal.TRUNCATED)
        return self._bulks[place]


def _meta(ds: Dataset, syntax: str) -> bytes:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION)
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta)
    return _PREAMBLE + bytes(buffer.getvalue())


def _encoded(ds: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, ds)
    return bytes(buffer.getvalue())
