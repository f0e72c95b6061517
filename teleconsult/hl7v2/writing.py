"""HL7 v2 messages written: fields escaped, empty ends left out (HL7 v2.5.1 §2.5, §2.7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

_ESCAPES: Final = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})


def plain(text: str) -> str:
    """Text as a part of a field; line ends as `\\.br\\`, and nothing that would end a segment or a frame."""
    escaped = text.translate(_ESCAPES).replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\.br\\")
    return "".join(letter for letter in escaped if letter >= " " and letter != "\x7f")


def parts(*values: str) -> str:
    """Components, each escaped; empty ones at the end are left out."""
    return "^".join(map(plain, values)).rstrip("^")


def segment(name: str, *fields: str) -> str:
    """A segment of fields that are written already."""
    return "|".join((name, *fields)).rstrip("|")


def moment(at: datetime, zone: str) -> str:
    """DTM in that zone, with its offset (HL7 v2.6 §2.A.22)."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y%m%d%H%M%S%z}"


def message(segments: Sequence[str]) -> bytes:
    """The bytes, without the frame."""
    return ("\r".join(segments) + "\r").encode()
