"""FHIR R4 document: a Bundle that begins with its Composition and holds all it speaks of
(http://hl7.org/fhir/R4/documents.html).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from teleconsult.documents.printout import Item, Part
from teleconsult.fhir.notes import LOINC, XHTML
from teleconsult.records.kinds import EntryKind

Resource = dict[str, Any]

MEDICAL_RECORDS: Final = {"coding": [{"system": LOINC, "code": "11503-0", "display": "Medical records"}]}
OF_KIND: Final[Mapping[EntryKind, tuple[str, str]]] = {
    EntryKind.ALLERGIES: ("48765-2", "Allergies and adverse reactions Document"),
    EntryKind.PROBLEMS: ("11450-4", "Problem list - Reported"),
    EntryKind.MEDICINES: ("10160-0", "History of Medication use Narrative"),
    EntryKind.LABORATORY: ("30954-2", "Relevant diagnostic tests/laboratory data Narrative"),
    EntryKind.IMAGING: ("18748-4", "Diagnostic imaging study"),
    EntryKind.ENCOUNTERS: ("46240-8", "History of Hospitalizations+Outpatient visits Narrative"),
    EntryKind.DOCUMENTS: ("55107-7", "Addendum Document"),
    EntryKind.NOTES: ("11488-4", "Consult note"),
}
"""LOINC's code for a section of each kind."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section: for people the words of `part`, for programs the resources that say the same."""

    part: Part
    resources: Sequence[Resource] = ()
    code: tuple[str, str] | None = None
    """LOINC code and display."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a document says. `others` come along because something speaks of them."""

    id: str
    at: datetime
    language: str
    title: str
    subject: Resource
    author: Resource
    custodian: Resource
    sections: Sequence[Section]
    others: Sequence[Resource] = field(default=())


def document_bundle(document: Document, *, server: str) -> Resource:
    """The Bundle: each resource once, under its address at `server`, so that what they say of each other resolves."""
    moment = document.at.isoformat(timespec="seconds")
    composition = _composition(document, moment)
    listed = (resource for section in document.sections for resource in section.resources)
    known: dict[str, Resource] = {}
    for resource in (composition, document.subject, document.author, document.custodian, *listed, *document.others):
        known.setdefault(_name(resource), resource)
    return {
        "resourceType": "Bundle",
        "id": document.id,
        "language": document.language,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{document.id}"},
        "type": "document",
        "timestamp": moment,
        "entry": [{"fullUrl": f"{server}/{name}", "resource": resource} for name, resource in known.items()],
    }


def narrative(part: Part) -> Resource:
    """The words of a part as XHTML; no more of it than R4 allows (http://hl7.org/fhir/R4/narrative.html#xhtml)."""
    paragraphs = [*part.remarks, *(f"{label}: {text}" for label, text in part.lines), *_paragraphs(part.text)]
    if not part.items and part.empty:
        paragraphs.append(part.empty)
    listed = "".join(f"<li>{''.join(_of_item(item))}</li>" for item in part.items)
    words = "".join(f"<p>{_plain(one)}</p>" for one in paragraphs) + (f"<ul>{listed}</ul>" if listed else "")
    return {"status": "generated", "div": f'<div xmlns="{XHTML}">{words or f"<p>{_plain(part.heading)}</p>"}</div>'}


def _composition(document: Document, moment: str) -> Resource:
    return {
        "resourceType": "Composition",
        "id": document.id,
        "language": document.language,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{document.id}"},
        "status": "final",
        "type": MEDICAL_RECORDS,
        "subject": {"reference": _name(document.subject)},
        "date": moment,
        "author": [{"reference": _name(document.author)}],
        "title": document.title,
        "custodian": {"reference": _name(document.custodian)},
        "section": [_section(section) for section in document.sections],
    }


def _section(section: Section) -> Resource:
    found: Resource = {"title": section.part.heading}
    if section.code is not None:
        code, display = section.code
        found["code"] = {"coding": [{"system": LOINC, "code": code, "display": display}]}
    found["text"] = narrative(section.part)
    if section.resources:  # FHIR knows no empty lists (R4 §2.6.2)
        names = dict.fromkeys(_name(resource) for resource in section.resources)
        found["entry"] = [{"reference": name} for name in names]
    return found


def _name(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _of_item(item: Item) -> Iterable[str]:
    yield f"<p>{_plain(' '.join(filter(None, (item.when, item.title, *(f'[{badge}]' for badge in item.badges)))))}</p>"
    if item.struck:
        yield f"<p><b>{_plain(item.struck)}</b></p>"
    for label, text in item.lines:
        yield f"<p>{_plain(label)}: {_plain(text)}</p>"
    if item.values:
        yield "<table>"
        for value in item.values:
            cells = (value.name, value.value, value.reference, value.assessment)
            yield f"<tr>{''.join(f'<td>{_plain(cell)}</td>' for cell in cells)}</tr>"
        yield "</table>"
    yield from (f"<p>{_plain(one)}</p>" for one in (*_paragraphs(item.text), item.source) if one)


def _paragraphs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _plain(text: str) -> str:
    """Escaped, without what XML cannot hold."""
    return escape("".join(letter for letter in text if letter.isprintable() or letter in "\n\t"))
