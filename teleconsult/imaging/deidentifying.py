"""An image without who it is of, after the Basic Application Level Confidentiality Profile (PS3.15 §E.2).

Which element is removed, emptied or replaced is the table of dicom-anonymizer (PS3.15 Table E.1-1, edition 2024b). Here
it is applied at every depth, private elements go everywhere, UIDs are renamed alike within one export and never between
two, and what still names the patient afterwards is removed, too. Runs only inside a sandbox worker.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from dicomanonymizer import simpledicomanonymizer as profile
from pydicom import dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import SecondaryCaptureImageStorage

from teleconsult.imaging.reading import PIXELS, open_instance
from teleconsult.imaging.refusals import Refusal, Unreadable

_MACHINES: Final = {"CT", "MR", "PT", "NM", "CR", "DX", "MG", "IO", "PX", "RG", "XA", "RF"}
"""Modalities whose pixels come from the body alone; ultrasound, captures and photographs often show a name."""
_TEXT: Final = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
_NAMING: Final = (
    "PatientName",
    "PatientID",
    "OtherPatientNames",
    "AccessionNumber",
    "PatientBirthName",
    "PatientBirthDate",
)
_SHORTEST_WORD: Final = 3
_OVERLAYS: Final = range(0x6000, 0x6020, 2)


class Done(StrEnum):
    """What became of an element."""

    REMOVED = "removed"
    EMPTIED = "emptied"
    REPLACED = "replaced"
    RENAMED = "renamed"
    """A UID: another one, the same wherever it stood in this export."""
    NAMED = "named"
    """Removed although the profile keeps it: it named the patient."""


_OF_ACTION: Final = {"delete": Done.REMOVED, "empty": Done.EMPTIED, "delete_or_empty": Done.EMPTIED}


class _Renamed(dict[str, str]):
    """dicom-anonymizer's map of UIDs, which any worker makes alike from the key of the export."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __contains__(self, uid: object) -> bool:
        return True

    def get(self, uid: str, default: Any = None) -> str:
        """Another UID under 2.25 (PS3.5 §B.2)."""
        digest = hmac.digest(self._key, uid.encode(), hashlib.sha256)
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def deidentified(path: Path, key: bytes) -> tuple[dict[str, Done], bytes]:
    """What became of each element, by tag and keyword, and the new file.

    `key` is secret and one export's own. Raises Unreadable, BURNED_IN where the picture itself may name somebody.
    """
    with open_instance(path).file:
        pass  # its lengths are true and its bounds are kept: the whole of it may be read
    ds = dcmread(path, force=True)
    _require_clean_pixels(ds)
    names = _names_in(ds)
    profile.dictionary = _Renamed(key)
    done: dict[str, Done] = {}
    _clean(ds, done)
    _remove_named(ds, names, done)
    ds.PatientName, ds.PatientID = "Teaching^Case", hmac.new(key, b"patient", hashlib.sha256).hexdigest()[:12]
    ds.PatientIdentityRemoved = "YES"
    ds.LongitudinalTemporalInformationModified = "REMOVED"
    method = Dataset()
    method.CodeValue, method.CodingSchemeDesignator = "113100", "DCM"
    method.CodeMeaning = "Basic Application Confidentiality Profile"
    ds.DeidentificationMethodCodeSequence = [method]
    return done, _written(ds)


def _require_clean_pixels(ds: Dataset) -> None:
    """Raise Unreadable where nothing vouches for it that no words stand in the pixels."""
    if not any(tag in ds for tag in PIXELS):
        raise Unreadable(Refusal.BURNED_IN)
    told = str(ds.get("BurnedInAnnotation", "")).upper()
    is_capture = str(ds.get("SOPClassUID", "")).startswith(SecondaryCaptureImageStorage)
    is_machine = str(ds.get("Modality", "")).upper() in _MACHINES and not is_capture
    if told == "YES" or (told != "NO" and not is_machine):
        raise Unreadable(Refusal.BURNED_IN)
    if any((group, 0x0010) in ds and (group, 0x3000) not in ds for group in _OVERLAYS):
        raise Unreadable(Refusal.BURNED_IN)  # an overlay in unused bits of the pixels (retired PS3.3 C.9.2)


def _clean(ds: Dataset, done: dict[str, Done]) -> None:
    for element in list(ds):
        tag = element.tag
        action = _actions().get((tag.group, tag.element)) or _of_group(tag)
        if tag.is_private:
            _note(done, element, Done.REMOVED)
            del ds[tag]
        elif action is not None:
            _act(ds, element, action, done)
        elif element.VR == "SQ":
            for item in element.value:
                _clean(item, done)


def _act(ds: Dataset, element: DataElement, action: Any, done: dict[str, Done]) -> None:
    tag, name = element.tag, action.__name__
    try:
        if name == "delete":
            del ds[tag]
        else:
            action(ds, (tag.group, tag.element))
    except NotImplementedError:  # a kind of value that has no dummy
        del ds[tag]
        name = "delete"
    _note(done, element, Done.RENAMED if name == "replace_UID" else _OF_ACTION.get(name, Done.REPLACED))


def _remove_named(ds: Dataset, names: re.Pattern[str] | None, done: dict[str, Done]) -> None:
    for element in list(ds):
        if element.VR == "SQ":
            for item in element.value:
                _remove_named(item, names, done)
        elif names and element.VR in _TEXT and names.search(_folded(str(element.value))):
            _note(done, element, Done.NAMED)
            del ds[element.tag]


def _names_in(ds: Dataset) -> re.Pattern[str] | None:
    """Any word by which the header names the patient or the order."""
    words = {
        word
        for keyword in _NAMING
        for word in re.split(r"[^\w]+", _folded(str(ds.get(keyword, "") or "")))
        if len(word) >= _SHORTEST_WORD
    }
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(words)))})(?!\w)") if words else None


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def _written(ds: Dataset) -> bytes:
    syntax = ds.file_meta.TransferSyntaxUID
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.preamble = bytes(128)
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _note(done: dict[str, Done], element: DataElement, what: Done) -> None:
    tag = element.tag
    name = "private" if tag.is_private else keyword_for_tag(tag)
    done.setdefault("private" if tag.is_private else f"({tag.group:04X},{tag.element:04X}) {name}", what)


def _of_group(tag: BaseTag) -> Any:
    """The action of a repeating group: curves and overlays."""
    for group, element, groups, elements in _repeating():
        if tag.group & groups == group and tag.element & elements == element & elements:
            return _actions()[group, element, groups, elements]
    return None


@cache
def _actions() -> dict[tuple[int, ...], Any]:
    actions: dict[tuple[int, ...], Any] = profile.initialize_actions_2024b()
    return actions


@cache
def _repeating() -> Iterable[tuple[int, int, int, int]]:
    return tuple((tag[0], tag[1], tag[2], tag[3]) for tag in _actions() if len(tag) > 2)
