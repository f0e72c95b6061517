"""A header as the DICOM JSON Model (PS3.18 Annex F). Runs only inside a sandbox worker."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import orjson
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from teleconsult.imaging.frame_index import index_of
from teleconsult.imaging.geometry import claimed
from teleconsult.imaging.header import Description
from teleconsult.imaging.plain_elements import plain_element, told
from teleconsult.imaging.reading import MIB, PIXELS, UNDEFINED, Opened
from teleconsult.imaging.refusals import Unreadable

BULK: Final = "/dicomweb/studies/{}/series/{}/instances/{}/bulkdata/"
"""The address under which long values of an instance stand."""

INLINE: Final = 1024
"""Bytes of a binary value up to which it stands in the JSON itself; a longer one has its own address."""
INLINE_TEXT: Final = 64 * 1024
LARGEST_JSON: Final = 16 * MIB
"""What is longer without compression is told without its sequences."""
_LARGEST_ATTRIBUTE: Final = 8 * 1024
"""Of what lists of studies and series repeat."""
_DEEPEST: Final = 32
_BINARY: Final = {"OB": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "UN": 1}
"""Bytes of one number of each, which the JSON has in little endian (PS3.18 §F.2.7)."""
_META: Final = 0x0008
"""Groups before this one are of the file, not of the data set."""
_UTF_8: Final = b'"00080005":{"vr":"CS","Value":["ISO_IR 192"]}'


def _tags(*keywords: str) -> frozenset[str]:
    return frozenset(f"{tag_for_keyword(keyword):08X}" for keyword in keywords)


OF_STUDY: Final = _tags(
    *("SpecificCharacterSet", "StudyDate", "StudyTime", "AccessionNumber", "IssuerOfAccessionNumberSequence"),
    *("ReferringPhysicianName", "ConsultingPhysicianName", "TimezoneOffsetFromUTC", "StudyDescription"),
    *("ProcedureCodeSequence", "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy", "AdmittingDiagnosesDescription"),
    *("ReferencedStudySequence", "StudyInstanceUID", "StudyID", "RequestedProcedureDescription", "AdmissionID"),
)
"""Besides group 0010, which is about the patient (PS3.3 C.7.1, C.7.2)."""
_PATIENT: Final = "0010"
OF_SERIES: Final = _tags(
    *("SpecificCharacterSet", "Modality", "SeriesDate", "SeriesTime", "SeriesDescription", "SeriesInstanceUID"),
    *("SeriesNumber", "Laterality", "BodyPartExamined", "PatientPosition", "ProtocolName", "OperatorsName"),
    *("PerformingPhysicianName", "Manufacturer", "ManufacturerModelName", "InstitutionName", "StationName"),
    *("InstitutionalDepartmentName", "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    *("PerformedProcedureStepID", "PerformedProcedureStepDescription", "RequestAttributesSequence"),
    *("FrameOfReferenceUID", "TimezoneOffsetFromUTC"),
)


def told_elements(opened: Opened) -> dict[str, bytes]:
    """Each element of the header in JSON, by its tag.

    Long values stand under addresses that begin at `BULK`, without the site's own part. An element that cannot be
    read is told without its value; the rest stands.
    """
    uids = (str(opened.dataset.get(f"{level}InstanceUID", "")) for level in ("Study", "Series", "SOP"))
    bulk = BULK.format(*uids)
    elements = dict(_Teller(opened, bulk).tell(opened.dataset, ""))
    if opened.pixel_tag:
        tag = f"{opened.pixel_tag:08X}"
        elements[tag] = told_at(opened.pixel_vr, bulk + tag)
    return elements


def told_at(vr: str, address: str) -> bytes:
    """An element whose value stands at an address."""
    return orjson.dumps({"vr": vr, "BulkDataURI": address})


def describe(opened: Opened, elements: dict[str, bytes]) -> Description:
    """The header told, and where its frames lie."""
    whole = _joined(elements)
    if len(whole) > LARGEST_JSON:
        whole = _joined({tag: text for tag, text in elements.items() if not text.startswith(b'{"vr":"SQ"')})
    short = {tag: text for tag, text in elements.items() if len(text) <= _LARGEST_ATTRIBUTE}
    description = Description(
        dicom_json=zlib.compress(whole),
        study={tag: orjson.loads(text) for tag, text in short.items() if tag in OF_STUDY or tag.startswith(_PATIENT)},
        series={tag: orjson.loads(text) for tag, text in short.items() if tag in OF_SERIES},
    )
    return _with_frames(description, opened)


def _with_frames(description: Description, opened: Opened) -> Description:
    """Where the pixels lie. A deflated file has no place for them, and big-endian samples are not sent as they are."""
    if opened.stored_syntax != opened.syntax or not opened.pixel_tag:
        return description
    if opened.length != UNDEFINED:
        length = min(opened.length, opened.size - opened.pixels_at)
        description = replace(description, pixels_at=opened.pixels_at, pixels_length=length)
    if opened.pixel_tag not in PIXELS:
        return description
    try:
        geometry = claimed(opened.dataset)
    except Unreadable:
        return description
    if opened.length != UNDEFINED:
        is_plain = opened.syntax.is_little_endian and not opened.syntax.is_encapsulated
        fits = geometry.frames * geometry.stored_bits <= description.pixels_length * 8
        return replace(description, frame_bits=geometry.stored_bits if is_plain and fits else 0)
    offsets = opened.dataset.get("ExtendedOffsetTable"), opened.dataset.get("ExtendedOffsetTableLengths")
    index = index_of(
        opened.file,
        pixels_at=opened.pixels_at,
        size=opened.size,
        frames=geometry.frames,
        syntax=opened.stored_syntax,
        extended=offsets if all(offsets) else None,
    )
    return replace(description, frame_index=index)


def value_of(opened: Opened, path: Sequence[str]) -> tuple[str, bytes]:
    """VR and value of one element: `path` is its tag, or that of a sequence, the number of an item, a tag in it, …

    Raises KeyError, IndexError and ValueError where there is none.
    """
    ds = opened.dataset
    for sequence, item in zip(path[:-1:2], path[1::2], strict=True):
        ds = ds[BaseTag(int(sequence, 16))].value[int(item)]
    element = ds[BaseTag(int(path[-1], 16))]
    value = element.value
    if isinstance(value, bytes):
        return element.VR, _little_endian(element.VR, value, opened)
    text = "\\".join(map(str, value)) if element.VM > 1 else str(value)
    return element.VR, text.encode("utf-8", "replace")


class _Teller:
    def __init__(self, opened: Opened, bulk: str) -> None:
        self._opened, self._bulk = opened, bulk

    def tell(self, ds: Dataset, path: str) -> Iterator[tuple[str, bytes]]:
        """Tag and JSON of each element, in their order."""
        for tag in sorted(ds.keys()):
            if tag.group < _META or tag.element == 0:
                continue
            name = f"{tag:08X}"
            try:
                plain = plain_element(ds, tag)
                yield name, plain.told if plain else self._element(ds[tag], path + name)
            except Exception:  # a parser of strangers' bytes raises anything; here it spoils one element alone
                yield name, orjson.dumps({"vr": _known_vr(ds, tag)})

    def _element(self, element: DataElement, path: str) -> bytes:
        vr = element.VR
        if vr == "SQ":
            if path.count("/") >= 2 * _DEEPEST:
                return b'{"vr":"SQ"}'
            items = (
                _joined(dict(self.tell(item, f"{path}/{number}/"))) for number, item in enumerate(element.value or ())
            )
            return b'{"vr":"SQ","Value":[' + b",".join(items) + b"]}"
        if isinstance(element.value, bytes):
            if len(element.value) > INLINE:
                return told_at(vr, self._bulk + path)
            element = DataElement(element.tag, vr, _little_endian(vr, element.value, self._opened))
        json = told(element)
        return told_at(vr, self._bulk + path) if len(json) > INLINE_TEXT else json


def _joined(elements: dict[str, bytes]) -> bytes:
    return joined(pair(tag, text) for tag, text in elements.items())


def pair(tag: str, text: bytes) -> bytes:
    """An element's tag and value. Whatever the file was written in, this is UTF-8."""
    return _UTF_8 if tag == "00080005" else b'"%s":%s' % (tag.encode(), text)


def joined(pairs: Iterable[bytes]) -> bytes:
    """A JSON object of the elements."""
    return b"{" + b",".join(pairs) + b"}"


def _little_endian(vr: str, value: bytes, opened: Opened) -> bytes:
    width = _BINARY.get(vr, 1)
    if opened.syntax.is_little_endian or width == 1:
        return value
    return b"".join(value[at : at + width][::-1] for at in range(0, len(value), width))


def _known_vr(ds: Dataset, tag: BaseTag) -> str:
    """The VR the file gives, of an element whose value cannot be read."""
    return str(getattr(ds.get_item(tag), "VR", None) or "UN")
