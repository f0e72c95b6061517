"""In what form something leaves, and why: codes that the log keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from teleconsult.errors import Invalid

LONGEST_WORDS: Final = 300


class ExportFormat(StrEnum):
    """To be read by people, or by programs."""

    PDF = "pdf"
    DOCUMENT = "document"
    """A FHIR R4 Bundle of type `document` (http://hl7.org/fhir/R4/documents.html)."""


class ExportReason(StrEnum):
    """Why it is taken out."""

    CARE = "care"
    OFFLINE = "offline"
    PATIENT = "patient"
    LAW = "law"
    OTHER = "other"


PURPOSES: Final[Mapping[ExportReason, str]] = {
    ExportReason.CARE: "TREAT",
    ExportReason.OFFLINE: "TREAT",
    ExportReason.PATIENT: "PATRQT",
    ExportReason.LAW: "HLEGAL",
}
"""As HL7 v3 ActReason names it, where it has a name for it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `words` say more about the reason."""

    format: ExportFormat
    reason: ExportReason
    words: str = ""


def read_wish(*, format: str, reason: str, words: str) -> Wish:
    """What was typed, as a Wish. Raises Invalid on `format`, `reason` and `words`."""
    wrong = {}
    if format not in set(ExportFormat):
        wrong["format"] = "Choose a PDF or a FHIR document."
    if reason not in set(ExportReason):
        wrong["reason"] = "Say what it is for."
    if reason == ExportReason.OTHER and not words.strip():
        wrong["words"] = "Say in a few words what it is for."
    if len(words) > LONGEST_WORDS or any(not letter.isprintable() for letter in words):
        wrong["words"] = "Keep this in one line of at most 300 characters."
    if wrong:
        raise Invalid(wrong)
    return Wish(ExportFormat(format), ExportReason(reason), words.strip())
