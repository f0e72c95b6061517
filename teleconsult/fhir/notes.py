"""A signed note as FHIR R4: the Composition it says, and the DocumentReference that points to its PDF."""

from typing import Any, Final
from xml.sax.saxutils import escape

from teleconsult.documents.words import NOTE_WORDS
from teleconsult.notes.content import SECTIONS, Clinician, NoteContent

LOINC: Final = "http://loinc.org"
CONSULT_NOTE: Final = {"coding": [{"system": LOINC, "code": "11488-4", "display": "Consult note"}]}
SECTION_CODES: Final = {
    "findings": {"system": LOINC, "code": "59776-5", "display": "Procedure findings Narrative"},
    "opinion": {"system": LOINC, "code": "51848-0", "display": "Evaluation note"},
    "plan": {"system": LOINC, "code": "18776-5", "display": "Plan of care note"},
}
XHTML: Final = "http://www.w3.org/1999/xhtml"


def composition(note: NoteContent) -> dict[str, Any]:
    """The note's sections with who answered and attested (http://hl7.org/fhir/R4/composition.html)."""
    words = NOTE_WORDS[note.language]
    moment = note.written_at.isoformat()
    resource: dict[str, Any] = {
        "resourceType": "Composition",
        "identifier": _identifier(note),
        "language": note.language,
        "status": "final",
        "type": CONSULT_NOTE,
        "subject": _subject(note),
        "date": moment,
        "author": [_role(note.author)],
        "title": words.title,
        "attester": [{"mode": "legal", "time": moment, "party": _role(note.author)}],
        "custodian": _organization(note.author),
        "section": [
            {
                "title": getattr(words, name),
                "code": {"coding": [SECTION_CODES[name]]},
                "text": {"status": "generated", "div": _narrative(note.sections[name])},
            }
            for name in SECTIONS
            if note.sections[name].strip()
        ],
    }
    if note.encounter_id:
        resource["encounter"] = {"reference": f"Encounter/{note.encounter_id}"}
    return resource


def document_reference(note: NoteContent, *, size: int) -> dict[str, Any]:
    """The signed PDF of `size` bytes as a document of the file (http://hl7.org/fhir/R4/documentreference.html)."""
    words = NOTE_WORDS[note.language]
    moment = note.written_at.isoformat()
    context: dict[str, Any] = {"related": [{"reference": f"ServiceRequest/{note.consult_id}"}]}
    if note.encounter_id:
        context["encounter"] = [{"reference": f"Encounter/{note.encounter_id}"}]
    return {
        "resourceType": "DocumentReference",
        "masterIdentifier": _identifier(note),
        "status": "current",
        "docStatus": "final",
        "type": CONSULT_NOTE,
        "subject": _subject(note),
        "date": moment,
        "author": [_role(note.author)],
        "authenticator": _role(note.author),
        "custodian": _organization(note.author),
        "description": words.title,
        "content": [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "language": note.language,
                    "url": f"Binary/{note.id}",
                    "size": size,
                    "title": words.title,
                    "creation": moment,
                }
            }
        ],
        "context": context,
    }


def _identifier(note: NoteContent) -> dict[str, str]:
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{note.id}"}


def _subject(note: NoteContent) -> dict[str, str]:
    return {"reference": f"Patient/{note.patient.id}", "display": note.patient.name}


def _role(clinician: Clinician) -> dict[str, str]:
    return {"reference": f"PractitionerRole/{clinician.role_id}", "display": clinician.name}


def _organization(clinician: Clinician) -> dict[str, str]:
    return {"reference": f"Organization/{clinician.organization_id}", "display": clinician.organization}


def _narrative(text: str) -> str:
    """Paragraphs between empty lines, line breaks within them (http://hl7.org/fhir/R4/narrative.html)."""
    paragraphs = (escape(part).replace("\n", "<br/>") for part in text.strip().split("\n\n") if part.strip())
    return f'<div xmlns="{XHTML}">' + "".join(f"<p>{part}</p>" for part in paragraphs) + "</div>"
