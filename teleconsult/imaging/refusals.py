"""Why a file is not taken, or not shown: codes for rows and wires, sentences for people."""

from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """What was wrong with a file or with its pixels."""

    NOT_DICOM = "not-dicom"
    DIRECTORY = "directory"
    TRUNCATED = "truncated"
    NO_SYNTAX = "no-syntax"
    BAD_IDENTIFIER = "bad-identifier"
    BAD_GEOMETRY = "bad-geometry"
    HEADER_TOO_LARGE = "header-too-large"
    TOO_LARGE = "too-large"
    DAMAGED = "damaged"
    TOO_DEMANDING = "too-demanding"
    NO_PIXELS = "no-pixels"
    UNKNOWN_CODING = "unknown-coding"
    OTHER_BYTES = "other-bytes"
    OTHER_PATIENT = "other-patient"
    OTHER_DRAFT = "other-draft"
    OTHER_STUDY = "other-study"
    NOT_CHOSEN = "not-chosen"
    """Fetched from an archive, it names another patient than was chosen there."""
    NOT_WANTED = "not-wanted"
    """Fetched for a request that takes no more images, or by somebody who stopped it."""
    OTHER_OBJECT = "other-object"
    UNMATCHED = "unmatched"
    ENCRYPTED = "encrypted"
    NESTED_ARCHIVE = "nested-archive"
    ARCHIVE_BOMB = "archive-bomb"
    EMPTY = "empty"
    BURNED_IN = "burned-in"
    HEIC = "heic"
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_LONG = "too-long"
    ACTIVE = "active"
    DOCUMENT = "document"
    VIDEO = "video"


def _(message: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is shown."""
    return message


SENTENCES: Final[dict[Refusal, str]] = {
    Refusal.NOT_DICOM: _("This is not a DICOM file."),
    Refusal.DIRECTORY: _("This is only the index of a disc; the images themselves are taken."),
    Refusal.TRUNCATED: _("The file ends too early. Copy it again."),
    Refusal.NO_SYNTAX: _("The file does not say how its images are coded."),
    Refusal.BAD_IDENTIFIER: _("The file does not carry the identifiers that DICOM demands."),
    Refusal.BAD_GEOMETRY: _("The size of the image does not agree with its content."),
    Refusal.HEADER_TOO_LARGE: _("The description in the file is too long to be true."),
    Refusal.TOO_LARGE: _("The file is larger than what can be taken."),
    Refusal.BURNED_IN: _("Words may stand in the picture itself, or it is no picture."),
    Refusal.DAMAGED: _("The file is damaged."),
    Refusal.TOO_DEMANDING: _("Reading the file takes more time or memory than is allowed."),
    Refusal.NO_PIXELS: _("The file holds no image."),
    Refusal.UNKNOWN_CODING: _("The images are coded in a way that cannot be shown here."),
    Refusal.OTHER_BYTES: _("Another image with the same identifier is already here. It was left as it is."),
    Refusal.OTHER_PATIENT: _("This image is already in the file of another patient. Check whose it is."),
    Refusal.OTHER_DRAFT: _("This image is already attached to another draft for this patient."),
    Refusal.OTHER_STUDY: _("The image is not of the study it was sent for."),
    Refusal.NOT_CHOSEN: _("The image carries another patient's number or birth date than the study that was chosen."),
    Refusal.NOT_WANTED: _("Nobody waits for this image any more."),
    Refusal.OTHER_OBJECT: _("The file holds another object than its sender said."),
    Refusal.UNMATCHED: _("This image came here already and waits to be matched with a patient. Match it first."),
    Refusal.ENCRYPTED: _("The file is locked with a password."),
    Refusal.NESTED_ARCHIVE: _("An archive inside an archive is not opened."),
    Refusal.ARCHIVE_BOMB: _("The archive holds more than can be opened safely."),
    Refusal.EMPTY: _("The file is empty."),
    Refusal.HEIC: _(
        "Photographs of this kind (HEIC) cannot be read here. Set the camera to “Most compatible”, or share it as JPEG."
    ),
    Refusal.TOO_MANY_PIXELS: _("The photograph is too large. Take it again with the camera's usual setting."),
    Refusal.TOO_LONG: _("The video is longer than two minutes. Cut it to what matters, and send it again."),
    Refusal.ACTIVE: _("This PDF holds programs or other files. Print it to a new PDF, and send that one."),
    Refusal.DOCUMENT: _("This is a document. Open it from the list of documents and videos."),
    Refusal.VIDEO: _("This is a video. Play it from the list of documents and videos."),
}


class Unreadable(Exception):
    """A file, or a frame of it, that will not be read."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


def sentence(code: str) -> str:
    """The English sentence (a msgid) for a stored code; a general one for a code we no longer know."""
    known = {refusal.value: words for refusal, words in SENTENCES.items()}
    return known.get(code, SENTENCES[Refusal.DAMAGED])
