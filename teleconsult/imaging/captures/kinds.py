"""What a file is by its first bytes, and what it becomes by what its sender says it shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydicom import uid

START: Final = 16
"""Bytes it takes to tell."""


class Medium(StrEnum):
    """What a file is that is no DICOM."""

    PICTURE = "picture"
    HEIC = "heic"
    """HEIF and AVIF, told apart so that their sender learns what to do: no decoder of them on PyPI has a permissive
    license."""
    VIDEO = "video"
    PDF = "pdf"


class Subject(StrEnum):
    """What its sender says it shows."""

    SKIN = "skin"
    """The patient: skin, a wound, an eye."""
    FILM = "film"
    """A film on a light box, a screen, an ECG on paper."""
    DOCUMENT = "document"
    """A letter, a result."""


class Kind(StrEnum):
    """What it becomes. All of one kind that is brought to a consult stands in one series."""

    PHOTOGRAPH = "photograph"
    FILM = "film"
    PAGE = "page"
    """A document that was photographed."""
    DOCUMENT = "document"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind is written in DICOM; `conversion` is the Conversion Type (0008,0064) where its class has one."""

    sop_class: uid.UID
    syntax: uid.UID
    modality: str
    series_number: int
    conversion: str = ""


FORMS: Final[Mapping[Kind, Form]] = {
    Kind.PHOTOGRAPH: Form(uid.VLPhotographicImageStorage, uid.JPEGBaseline8Bit, "XC", 1),
    # Single-frame: each photograph is an object of its own, and the plain class is the one every viewer knows.
    Kind.FILM: Form(uid.SecondaryCaptureImageStorage, uid.JPEGBaseline8Bit, "OT", 2, "SI"),
    Kind.PAGE: Form(uid.SecondaryCaptureImageStorage, uid.JPEGBaseline8Bit, "DOC", 3, "SD"),
    Kind.DOCUMENT: Form(uid.EncapsulatedPDFStorage, uid.ExplicitVRLittleEndian, "DOC", 4, "WSD"),
    Kind.VIDEO: Form(uid.VideoPhotographicImageStorage, uid.MPEG4HP41, "XC", 5),
}

_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_HEIF: Final = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
_QUICKTIME: Final = {b"moov", b"mdat", b"wide", b"free", b"skip"}
"""Boxes that an old QuickTime file may begin with."""
_MATROSKA: Final = b"\x1a\x45\xdf\xa3"


def medium_of(start: bytes) -> Medium | None:
    """What begins like this; None for everything that is not taken. A name or a media type is not asked."""
    if start.startswith(_PICTURES) or (start[:4], start[8:12]) == (b"RIFF", b"WEBP"):
        return Medium.PICTURE
    if start.startswith(b"%PDF-"):
        return Medium.PDF
    if start[4:8] == b"ftyp":
        return Medium.HEIC if start[8:12] in _HEIF else Medium.VIDEO
    return Medium.VIDEO if start[4:8] in _QUICKTIME or start.startswith(_MATROSKA) else None


def kind_of(medium: Medium, subject: Subject) -> Kind:
    """What a picture, a video or a PDF becomes: what it is decides, and of a picture what it shows."""
    if medium is Medium.PDF:
        return Kind.DOCUMENT
    if medium is Medium.VIDEO:
        return Kind.VIDEO
    return {Subject.SKIN: Kind.PHOTOGRAPH, Subject.FILM: Kind.FILM, Subject.DOCUMENT: Kind.PAGE}[subject]
