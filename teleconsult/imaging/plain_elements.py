"""Elements told by nothing but their own bytes, converted once: the next slice of a series has most of them, too."""

from functools import lru_cache
from typing import Final, NamedTuple

import orjson
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

_HELD: Final = 4096
LONGEST: Final = 128
"""Elements that are held, and the bytes that the value of one may have."""
PLAIN: Final = frozenset(
    (
        *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN"),
        *("SH", "SL", "SS", "ST", "TM", "UC", "UI", "UL", "UR", "US", "UT"),
    )
)
"""Value representations that need no other element to be understood, but for the character set."""


class Plain(NamedTuple):
    """An element in the DICOM JSON Model (PS3.18 Annex F), and its value as text."""

    told: bytes
    text: str


def plain_element(ds: Dataset, tag: BaseTag) -> Plain | None:
    """The short plain element of that tag; None where there is none, where it is no such one, or was converted before.

    Raises what pydicom raises of a value that is broken.
    """
    raw = ds.get_item(tag) if tag in ds else None
    if not isinstance(raw, RawDataElement) or tag.is_private or not raw.value or len(raw.value) > LONGEST:
        return None
    vr, names = raw.VR or dictionary_VR(tag), ds.original_character_set
    if vr not in PLAIN or not names:
        return None
    return _converted(int(tag), vr, raw.value, raw.is_little_endian, names if isinstance(names, str) else tuple(names))


def converted(tag: int, vr: str, value: bytes, is_little_endian: bool, names: str | tuple[str, ...]) -> Plain:
    """Made of its arguments alone: whatever file they come from, the same bytes are the same element.

    Raises what pydicom raises of a value that is broken.
    """
    raw = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, is_little_endian)
    element = convert_raw_data_element(raw, encoding=names if isinstance(names, str) else list(names))
    return Plain(told(element), "" if element.value is None else str(element.value))


_converted: Final = lru_cache(maxsize=_HELD)(converted)


@lru_cache(maxsize=_HELD)
def tag_of(keyword: str) -> BaseTag:
    """The tag of a keyword of the standard's."""
    number = tag_for_keyword(keyword)
    assert number is not None
    return BaseTag(number)


def told(element: DataElement) -> bytes:
    """One in the DICOM JSON Model, which PostgreSQL can hold: without NUL."""
    json = orjson.dumps(element.to_json_dict(None, 0))
    return json.replace(rb"\u0000", b"") if rb"\u0000" in json else json
