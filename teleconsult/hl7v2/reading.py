"""HL7 v2 messages read: bytes into segments and fields (HL7 v2.5.1 §2.5; character sets §2.15.9.18).

What is odd is a `Fault` with the code of HL7 table 0357, so that the sender learns which field was wrong.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import hl7

from teleconsult.hl7_times import day_of, moment_of

for quoting in (hl7.util, hl7.containers):  # they print the values that they find strange, and those are a patient's
    logging.getLogger(quoting.__file__).setLevel(logging.CRITICAL)

LONGEST_FIELD: Final = 65_536
MOST_SEGMENTS: Final = 5_000
MOST_COMMANDS: Final = 2_000
"""Formatting commands (§2.7.6) of a message: each becomes up to 400 letters."""
LONGEST_COUNT: Final = 2
"""Digits of how often a formatting command is repeated: the library writes them all out, a billion if told so."""
_CHARACTER_SETS: Final = {
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/15": "iso8859-15",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
}
"""HL7 table 0211, as far as senders use it."""


class Fault(Exception):
    """Why a message is not taken. `code` of HL7 table 0357; `where` as in ERR-2: segment, field."""

    def __init__(self, code: str, said: str, *, where: str = "") -> None:
        super().__init__(said)
        self.code, self.said, self.where = code, said, where


MISSING: Final = "101"
WRONG_TYPE: Final = "102"
WRONG_VALUE: Final = "103"
UNKNOWN_TYPE: Final = "200"
UNKNOWN_EVENT: Final = "201"
UNKNOWN_KEY: Final = "204"
SEQUENCE: Final = "100"
OURS: Final = "207"


@dataclass(frozen=True, slots=True)
class Segment:
    """One line. Fields, components and repetitions count from 1, as the standard counts them."""

    name: str
    _fields: hl7.Segment

    def text(self, field: int, component: int = 1, *, repetition: int = 1, part: int = 1) -> str:
        """The value, unescaped; `""` for what is not there and for `\"\"`, which means that it is to be emptied."""
        try:
            found = self._fields.extract_field(1, field, repetition, component, part)
        except (IndexError, KeyError):
            return ""
        except ValueError:  # a formatting command whose count is no number
            raise Fault(WRONG_VALUE, "An escape sequence is none.", where=f"{self.name}-{field}") from None
        value = str(found).strip()
        if len(value) > LONGEST_FIELD or "\0" in value:
            raise Fault(WRONG_TYPE, "A field is too long or holds a NUL.", where=f"{self.name}-{field}")
        return "" if value == '""' else value

    def repetitions(self, field: int) -> int:
        """How many times the field stands."""
        try:
            return len(self._fields(field))
        except (IndexError, KeyError):
            return 0


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is one: its header and its segments."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.header.text(10)

    @property
    def kind(self) -> tuple[str, str]:
        """MSH-9: type and event."""
        return self.header.text(9, 1), self.header.text(9, 2)

    @property
    def facility(self) -> str:
        """MSH-4."""
        return self.header.text(4)

    def first(self, name: str) -> Segment:
        """The first segment of that name. Raises Fault where there is none."""
        found = next(self.all(name), None)
        if found is None:
            raise Fault(SEQUENCE, "A segment is missing.", where=name)
        return found

    def all(self, name: str) -> Iterator[Segment]:
        """The segments of that name, in their order."""
        return (segment for segment in self.segments if segment.name == name)


def read_message(content: bytes) -> Message:
    """The message in a frame's bytes. Raises Fault for what is none, or is in no character set that we read."""
    text = decoded(content).replace("\r\n", "\r").replace("\n", "\r").strip("\r")
    if not text.startswith("MSH") or len(text) < 9 or text.count("\r") >= MOST_SEGMENTS:
        raise Fault(SEQUENCE, "This is no HL7 v2 message, or one with too many segments.", where="MSH")
    try:
        parsed = hl7.parse(text)
        segments = tuple(Segment(str(segment[0]), segment) for segment in parsed if str(segment[0]).strip())
    except Exception as error:  # whatever the reader of a library makes of hostile text
        raise Fault(SEQUENCE, "This message cannot be read.", where="MSH") from error
    if _swells(text, parsed.esc):
        raise Fault(WRONG_VALUE, "The formatting commands of this message repeat too much.", where="MSH")
    message = Message(segments)
    for field, component in ((3, 1), (4, 1), (9, 2)):  # they may be empty, but the answer repeats them
        message.header.text(field, component)
    for field in (9, 10, 11, 12):
        if not message.header.text(field):
            raise Fault(MISSING, "A field is missing.", where=f"MSH-{field}")
    if len(message.control_id) > 199:
        raise Fault(WRONG_TYPE, "The control id is too long.", where="MSH-10")
    return message


def _swells(text: str, escape: str) -> bool:
    """Whether what formatting commands ask for is more than a person writes. `escape` is the letter of MSH-2."""
    counts = re.findall(rf"{re.escape(escape)}\.[a-z]{{2}}([^{re.escape(escape)}\r]*)", text)
    return len(counts) > MOST_COMMANDS or any(len(count) > LONGEST_COUNT for count in counts)


def moment_in(segment: Segment, field: int, zone: ZoneInfo) -> datetime | None:
    """A TS or DTM: to the second, in the sender's offset or else in the establishment's zone. Raises Fault."""
    try:
        return moment_of(segment.text(field), zone=zone)
    except ValueError:
        raise Fault(WRONG_TYPE, "This is no date and time.", where=f"{segment.name}-{field}") from None


def day_in(segment: Segment, field: int) -> date | None:
    """The day of a TS, as it is written; None where only a month or a year is known. Raises Fault."""
    try:
        return day_of(segment.text(field))
    except ValueError:
        raise Fault(WRONG_TYPE, "This is no date.", where=f"{segment.name}-{field}") from None


def decoded(content: bytes) -> str:
    """The text, by MSH-18; without one as UTF-8 where it is that, else as Latin 1. Raises Fault for the wrong set."""
    header = content[:2_000].split(b"\r")[0].split(b"\n")[0]
    separator = header[3:4]
    fields = header.split(separator) if separator else []
    declared = fields[17].split(b"~")[0].decode("ascii", "replace").strip().upper() if len(fields) > 17 else ""
    try:
        if declared:
            return content.decode(_CHARACTER_SETS[declared])
    except (KeyError, UnicodeDecodeError):
        raise Fault(WRONG_VALUE, "The message is not in the character set that it names.", where="MSH-18") from None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("iso8859-1")
