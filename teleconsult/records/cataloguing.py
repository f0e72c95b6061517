"""What a document of a file is called, of what kind it is, and of when: said anew without touching its bytes."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from teleconsult.errors import Invalid
from teleconsult.records.elements import dicts

LONGEST_TITLE: Final = 200
LOINC: Final = "http://loinc.org"


class DocumentKind(StrEnum):
    """What somebody may say that a document is: LOINC codes, for DocumentReference.type (R4 §2.42)."""

    REFERRAL = "57133-1"
    CONSULT = "11488-4"
    DISCHARGE = "18842-5"
    LABORATORY = "11502-2"
    IMAGING = "18748-4"
    OPERATION = "11504-8"
    PRESCRIPTION = "57833-6"
    PHOTOGRAPH = "72170-4"
    CONSENT = "59284-0"
    OTHER = "34109-9"


_NAMES: Final[Mapping[DocumentKind, str]] = {
    DocumentKind.REFERRAL: "Referral note",
    DocumentKind.CONSULT: "Consult note",
    DocumentKind.DISCHARGE: "Discharge summary",
    DocumentKind.LABORATORY: "Laboratory report",
    DocumentKind.IMAGING: "Diagnostic imaging study",
    DocumentKind.OPERATION: "Surgical operation note",
    DocumentKind.PRESCRIPTION: "Prescription for medication",
    DocumentKind.PHOTOGRAPH: "Photographic image",
    DocumentKind.CONSENT: "Consent Document",
    DocumentKind.OTHER: "Note",
}
"""As LOINC calls them."""


def kind_of(resource: Mapping[str, Any]) -> DocumentKind | None:
    """What the DocumentReference says that it is, where that is one of ours."""
    said = resource.get("type")
    codings = dicts(said.get("coding")) if isinstance(said, Mapping) else iter(())
    codes = {str(coding.get("code")) for coding in codings if coding.get("system") == LOINC}
    return next((kind for kind in DocumentKind if kind in codes), None)


def of_kind(resource: Mapping[str, Any], kind: DocumentKind | None) -> dict[str, Any]:
    """The same under a kind; what it said of its kind stays where it is that one, or none is given."""
    if kind is None or kind is kind_of(resource):
        return dict(resource)
    return {**resource, "type": {"coding": [{"system": LOINC, "code": kind.value, "display": _NAMES[kind]}]}}


def catalogued(
    resource: Mapping[str, Any], *, title: str, at: datetime, kind: DocumentKind | None = None
) -> dict[str, Any]:
    """The DocumentReference under this title, moment and kind; where its bytes are and what they were stays.

    Raises Invalid on `title`.
    """
    if not title or len(title) > LONGEST_TITLE:
        raise Invalid({"title": "Give a name of at most 200 characters."})
    moment = at.isoformat(timespec="seconds")
    content = [
        {**item, "attachment": {**item["attachment"], "title": title, "creation": moment}}
        if isinstance(item.get("attachment"), Mapping)
        else item
        for item in dicts(resource.get("content"))
    ]
    return {**of_kind(resource, kind), "description": title, "date": moment, "content": content}
