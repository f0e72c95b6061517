"""What a note says, frozen: the one source of its PDF, its FHIR resources and every later form of it.

The identity of patient and people is a snapshot: a later correction or merge never rewrites a signed note.
"""

import dataclasses
import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from teleconsult.errors import Invalid

SECTIONS = ("findings", "opinion", "plan")
"""The sections of a consult note, in the order they are read. Only the opinion must be there."""

SECTION_LIMIT = 20_000
"""Characters a section may have."""


@dataclass(frozen=True, slots=True)
class Establishment:
    """A letterhead: where the note comes from, or where it goes."""

    name: str
    address: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Clinician:
    """A doctor as the note names them. `registration` is the professional number, empty where there is none."""

    name: str
    qualification: str
    registration: str
    establishment: Establishment


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """Who the patient was when the note was signed. `identifiers` are (label, value) pairs as printed."""

    id: str
    name: str
    birth_date: date | None
    gender: str
    identifiers: tuple[tuple[str, str], ...] = ()
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class ImagesSeen:
    """A study that was part of the consult."""

    study_uid: str
    description: str
    modality: str
    taken_at: date | None
    images: int


@dataclass(frozen=True, slots=True)
class NoteContent:
    """Everything a consult note says, in the language `language` (fr, en or vi).

    `written_at` is aware; it is printed in the IANA zone `zone`. `kind` is the FHIR code of how the advice was
    given: a session (`VR`) or in writing (empty).
    """

    id: str
    language: str
    zone: str
    written_at: datetime
    requester: Clinician
    author: Clinician
    patient: PatientIdentity
    consult_id: str
    service: str
    question: str
    asked_at: datetime
    sections: Mapping[str, str]
    images: tuple[ImagesSeen, ...] = ()
    session_started_at: datetime | None = None
    session_ended_at: datetime | None = None
    verify_at: str = ""
    version: int = 1

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
        for key in ("written_at", "asked_at", "session_started_at", "session_ended_at"):
            values[key] = values[key] and datetime.fromisoformat(values[key])
        return cls(
            **values
            | {
                "requester": _clinician(values["requester"]),
                "author": _clinician(values["author"]),
                "patient": PatientIdentity(
                    **patient
                    | {
                        "birth_date": patient["birth_date"] and date.fromisoformat(patient["birth_date"]),
                        "identifiers": tuple((label, value) for label, value in patient["identifiers"]),
                    }
                ),
                "images": tuple(
                    ImagesSeen(**seen | {"taken_at": seen["taken_at"] and date.fromisoformat(seen["taken_at"])})
                    for seen in values["images"]
                ),
            }
        )


def sha256(content: bytes) -> str:
    """The SHA-256 of `content` in lower-case hexadecimal."""
    return hashlib.sha256(content).hexdigest()


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
            wrong[name] = "This section is too long: keep it below 20,000 characters."
        else:
            cleaned[name] = "".join(letter for letter in plain if letter in "\n\t" or _is_printable(letter))
    if wrong:
        raise Invalid(wrong)
    return cleaned


def _is_printable(letter: str) -> bool:
    return unicodedata.category(letter) not in {"Cc", "Cs"}


def _clinician(values: dict[str, Any]) -> Clinician:
    return Clinician(**values | {"establishment": Establishment(**values["establishment"])})


def _moment(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a note")
