"""What a note says, frozen: the one source of its PDF, its FHIR resources and every later form of it.

The identity of patient and people is a snapshot: a later correction or merge never rewrites a signed note.
"""

import dataclasses
import json
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Self

from teleconsult.errors import Invalid


class Section(StrEnum):
    """A part of a consult note that its author writes; what was asked and the images stand beside them."""

    FINDINGS = "findings"
    OPINION = "opinion"
    PLAN = "plan"
    MEDICINES = "medicines"
    FOLLOW_UP = "follow_up"


SECTIONS: Final = tuple(section.value for section in Section)
"""The sections of a consult note, in the order they are read. Only the opinion must be there."""

SECTION_LIMIT = 10_000
"""Characters a section may have."""


class Relation(StrEnum):
    """What a note is to an earlier one (FHIR R4 document-relationship-type)."""

    NONE = ""
    APPENDS = "appends"
    REPLACES = "replaces"


def oid_of(id: uuid.UUID) -> str:
    """A UUID as an object identifier (ITU-T X.667 §7)."""
    return f"2.25.{id.int}"


@dataclass(frozen=True, slots=True)
class Clinician:
    """A doctor as the note names them. `specialty` is our code, empty where there is none."""

    role_id: str
    name: str
    specialty: str
    registration_number: str
    organization_id: str
    organization: str
    family: str = ""
    given: str = ""
    prefix: str = ""
    organization_number: str = ""
    """Of the establishment, in the national directory (FINESS in France)."""


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """Who the patient was when the note was signed. `identifiers` are (system, value) pairs.

    `family`, `given` and `birth_place` are those of birth, `used_name` is another family name they go by; notes of
    earlier days have none of them. `qualified` are the systems whose number was checked with the strict traits.
    """

    id: str
    name: str
    birth_date: date | None
    gender: str
    local_number: str
    identifiers: tuple[tuple[str, str], ...] = ()
    is_temporary: bool = False
    family: str = ""
    given: str = ""
    used_name: str = ""
    birth_place: str = ""
    qualified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImagesShared:
    """A study that came with the request."""

    study_uid: str
    description: str
    modality: str
    taken_on: date | None
    images: int


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """One number of a measurement: of which quantity, in decimal digits, in which unit (`imaging.marks.models`)."""

    quantity: str
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A measurement as it lies on a key image.

    `line` is a list of points as SVG 1.1 §9.7.1 has them, in pixels of the image; `at_detector` where its mm hold
    there.
    """

    kind: str
    line: str
    values: tuple[MeasuredValue, ...]
    at_detector: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """As JSON has it."""
        return cls(**{**values, "values": tuple(MeasuredValue(**value) for value in values["values"])})


@dataclass(frozen=True, slots=True)
class Report:
    """The DICOM report that measurements are kept in."""

    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class KeyImage:
    """An image the note rests on: which one, how it was seen, what was measured on it, and a picture of that.

    `number` and `frame` (from 1) say where it is in its series; `window` is centre and width, as printed; `picture` a
    JPEG in base64, of `columns` by `rows` pixels or fewer. What was put into notes before lines were drawn has its
    `measurements` in words, and says neither its modality nor its size.
    """

    id: str
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    series: str
    number: int
    frame: int
    frames: int
    window: tuple[str, str] | None
    picture: str
    measurements: tuple[str, ...] = ()
    study: str = ""
    taken_on: str = ""
    """The study's day, ISO 8601; empty where none is known."""
    modality: str = ""
    sop_class_uid: str = ""
    columns: int = 0
    rows: int = 0
    marks: tuple[DrawnMark, ...] = ()
    reports: tuple[Report, ...] = ()
    """Those the marks stand in."""
    sides: tuple[str, ...] = ()
    """DICOM's letters for the sides of the patient at its top, right, bottom and left; none where nothing tells."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """As JSON has it."""
        return cls(
            **{
                **values,
                "window": values["window"] and tuple(values["window"]),
                "measurements": tuple(values["measurements"]),
                "marks": tuple(map(DrawnMark.of, values.get("marks", ()))),
                "reports": tuple(Report(**report) for report in values.get("reports", ())),
                "sides": tuple(values.get("sides", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class MeetingPresent:
    """A member of a team meeting who was there. `specialty` is our code, empty where there is none."""

    role_id: str
    name: str
    specialty: str


@dataclass(frozen=True, slots=True)
class TeamMeeting:
    """The team meeting whose conclusion the note is: who was there, and how many had to be."""

    id: str
    title: str
    discussed_at: datetime
    members_present: tuple[MeetingPresent, ...]
    members_needed: int
    has_quorum: bool

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """As JSON has it."""
        present = tuple(MeetingPresent(**member) for member in values["members_present"])
        at = datetime.fromisoformat(values["discussed_at"])
        return cls(**{**values, "members_present": present, "discussed_at": at})


@dataclass(frozen=True, slots=True)
class NoteContent:
    """Everything a consult note says, in the language `language` (fr, en or vi).

    Moments are aware; they are printed in the IANA zone `zone`. Without a session the advice was given in writing.
    `service` is the specialty's code, `verify_at` the address where anyone can check the signature.
    """

    id: str
    language: str
    zone: str
    written_at: datetime
    requester: Clinician
    author: Clinician
    patient: PatientIdentity
    consult_id: str
    consult_number: int
    service: str
    question: str
    asked_at: datetime
    sections: Mapping[str, str]
    verify_at: str
    images: tuple[ImagesShared, ...] = ()
    session_started_at: datetime | None = None
    session_ended_at: datetime | None = None
    encounter_id: str | None = None
    key_images: tuple[KeyImage, ...] = ()
    document_oid: str = ""
    """What this version is called in every form of it; `set_id` names the document over all its versions."""
    set_id: str = ""
    version_number: int = 1
    relation: Relation = Relation.NONE
    related_oid: str = ""
    """The note this one appends to, or replaces, and when that was signed."""
    related_at: datetime | None = None
    verify_code: str = ""
    meeting: TeamMeeting | None = None
    """None: the author's own advice."""
    invisible_to_patient: bool = False
    """Not to be seen by the patient (yet)."""
    invisible_to_guardians: bool = False
    """Not to be seen by who represents the patient in law."""

    def __post_init__(self) -> None:
        """What was signed before notes had versions is the first one of its own."""
        if not self.document_oid:
            object.__setattr__(self, "document_oid", oid_of(uuid.UUID(self.id)))
            object.__setattr__(self, "set_id", self.id)

    @property
    def verify_link(self) -> str:
        """Where anyone can check this note, and learn whether it still stands."""
        return f"{self.verify_at}?code={self.verify_code}" if self.verify_code else self.verify_at

    def written_sections(self) -> tuple[tuple[str, str], ...]:
        """The sections that say something, each by its name with its words, in reading order.

        What was signed before a section existed does not have it.
        """
        named = ((name, self.sections.get(name, "")) for name in SECTIONS)
        return tuple((name, text) for name, text in named if text.strip())

    def to_bytes(self) -> bytes:
        """The content as canonical JSON (RFC 8785; it holds strings, integers, booleans and nulls only)."""
        return json.dumps(
            dataclasses.asdict(self), default=_moment, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read back what `to_bytes` wrote."""
        values: dict[str, Any] = json.loads(content)
        patient = values["patient"]
        for key in ("written_at", "asked_at", "session_started_at", "session_ended_at", "related_at"):
            values[key] = datetime.fromisoformat(values[key]) if values.get(key) else None
        values["relation"] = Relation(values.get("relation", ""))
        values["requester"] = Clinician(**values["requester"])
        values["author"] = Clinician(**values["author"])
        patient["birth_date"] = _day(patient["birth_date"])
        patient["identifiers"] = tuple((system, value) for system, value in patient["identifiers"])
        patient["qualified"] = tuple(patient.get("qualified", ()))
        values["patient"] = PatientIdentity(**patient)
        values["images"] = tuple(
            ImagesShared(**images | {"taken_on": _day(images["taken_on"])}) for images in values["images"]
        )
        values["key_images"] = tuple(map(KeyImage.of, values.get("key_images", ())))
        values["meeting"] = TeamMeeting.of(values["meeting"]) if values.get("meeting") else None
        return cls(**values)


def clean_sections(sections: Mapping[str, str]) -> dict[str, str]:
    """The sections as they are kept: known names, NFC, plain line ends, no control characters or lone surrogates.

    Raises Invalid for a section we do not have or one that is too long.
    """
    wrong: dict[str, str] = {}
    cleaned = dict.fromkeys(SECTIONS, "")
    for name, text in sections.items():
        if name not in cleaned:
            wrong[""] = "This note has no such section."
            continue
        plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
        if len(plain) > SECTION_LIMIT:
            wrong[name] = "This section is too long: keep it under 10,000 characters."
        else:
            cleaned[name] = "".join(letter for letter in plain if letter in "\n\t" or _is_printable(letter))
    if wrong:
        raise Invalid(wrong)
    return cleaned


def _is_printable(letter: str) -> bool:
    return unicodedata.category(letter) not in {"Cc", "Cs"}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _moment(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a note")
