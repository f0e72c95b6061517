"""An image without who it is of, after the Basic Application Level Confidentiality Profile (PS3.15 §E.2).

Which element is removed, emptied or replaced is the table of dicom-anonymizer (PS3.15 Table E.1-1, edition 2024b). Here
it is applied at every depth, private elements go everywhere, UIDs are renamed alike within one export and never between
two, and what still names the patient afterwards is removed, too. So is what the table does not list, where it is free
text, an address, a moment or of an unknown kind. Runs only inside a sandbox worker.
"""

import hashlib
import hmac
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from dicomanonymizer import simpledicomanonymizer as profile
from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import UID, SecondaryCaptureImageStorage, VLPhotographicImageStorage

from teleconsult.imaging.bare_pixels import bare, has_hidden_bits
from teleconsult.imaging.frame_index import VIDEO
from teleconsult.imaging.naming import Naming
from teleconsult.imaging.reading import PIXELS, open_instance
from teleconsult.imaging.refusals import Refusal, Unreadable

_MACHINES: Final = {"CT", "MR", "PT", "NM", "CR", "DX", "MG", "IO", "PX", "RG", "XA", "RF"}
"""Modalities whose pixels come from the body alone; ultrasound, captures and photographs often show a name."""
_TEXT: Final = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
_UNLISTED: Final = {"AE", "DA", "DT", "LT", "OB", "PN", "ST", "TM", "UN", "UR", "UT"}
"""Kinds of values that are removed where the table says nothing: free text, addresses, moments, unknown bytes."""
_UNLISTED_TAGS: Final = {0x04000500, *range(0x00401006, 0x00401008), *range(0x00402006, 0x00402008)}
"""Encrypted attributes; numbers of orders."""
_KEPT_BYTES: Final = {0x00282000, *PIXELS}
"""The profile of the colours, and the pixels."""
_KINDS_OF_UID: Final = ("ClassUID", "SyntaxUID", "CodingSchemeUID", "ContextUID", "MappingResourceUID")
"""They say what something is, not which."""
_STANDARD: Final = "1.2.840.10008."
_PATIENT: Final = 0x0010
_SEEN: Final = {"XC", "DMS"}
"""Modalities that show the patient as everyone knows them."""
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


_OTHER_DAYS: Final = {"00010101": "19000101", "00010101010101.000000+0000": "19000101010101.000000+0000"}
"""For the library's, which are in a year that others do not take for one."""


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
    names = Naming(ds)
    bare(ds)
    if has_hidden_bits(ds):
        raise Unreadable(Refusal.BURNED_IN)
    profile.dictionary = _Renamed(key)
    done: dict[str, Done] = {}
    _clean(ds, done)
    _remove_named(ds, names, done)
    ds.walk(_move_day)
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
    told, modality = (str(ds.get(keyword, "")).upper() for keyword in ("BurnedInAnnotation", "Modality"))
    sop_class = str(ds.get("SOPClassUID", ""))
    is_photograph = modality in _SEEN or sop_class.startswith(VLPhotographicImageStorage)
    is_seen = is_photograph or str(ds.get("RecognizableVisualFeatures", "")).upper() == "YES"
    if is_seen or str(ds.file_meta.TransferSyntaxUID).startswith(VIDEO):
        raise Unreadable(Refusal.BURNED_IN)  # a face, whatever is said of words; a video has a voice, too
    is_screen = "SCREEN" in str(ds.get("ImageType", "")).upper()
    is_capture = sop_class.startswith(SecondaryCaptureImageStorage) or ds.get("ConversionType")
    is_machine = modality in _MACHINES and not is_capture and not is_screen
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
                for pixels in (item[one] for one in PIXELS if one in item):  # nobody vouched for them
                    _note(done, pixels, Done.REMOVED)
                    del item[pixels.tag]
                _clean(item, done)
        elif _is_unlisted(element):
            _note(done, element, Done.REMOVED)
            del ds[tag]
        elif element.VR == "UI" and not element.keyword.endswith(_KINDS_OF_UID):
            _rename(element, done)


def _is_unlisted(element: DataElement) -> bool:
    """Whether nobody looked at what it may say: the table lists what the standard knew, and guards no free text."""
    tag = element.tag
    if tag in _KEPT_BYTES:
        return False
    is_unknown = not dictionary_has_tag(tag) or tag in _UNLISTED_TAGS or tag.group == _PATIENT
    return is_unknown or element.VR in _UNLISTED


def _rename(element: DataElement, done: dict[str, Done]) -> None:
    """Another UID for each that is not the standard's own."""
    uids = [element.value] if isinstance(element.value, str) else list(element.value or [])
    if any(uid and not uid.startswith(_STANDARD) for uid in uids):
        element.value = [UID(uid if uid.startswith(_STANDARD) else profile.get_UID(uid)) for uid in uids if uid]
        _note(done, element, Done.RENAMED)


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


def _remove_named(ds: Dataset, names: Naming, done: dict[str, Done]) -> None:
    for element in list(ds):
        if element.VR == "SQ":
            for item in element.value:
                _remove_named(item, names, done)
        elif element.VR in _TEXT and names.is_in(str(element.value), is_code=element.VR == "CS"):
            _note(done, element, Done.NAMED)
            del ds[element.tag]


def _move_day(_ds: Dataset, element: DataElement) -> None:
    if element.VR in ("DA", "DT") and (day := _OTHER_DAYS.get(str(element.value))):
        element.value = day


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
