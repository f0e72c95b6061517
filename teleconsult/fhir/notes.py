"""A signed note as FHIR R4: the Composition it says, and the DocumentReference that points to its PDF.

The images it rests on are in both, as contained ImagingStudies that list these instances alone, with the reports of
what was measured on them: R4 has no other reference to an instance.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from xml.sax.saxutils import escape

from teleconsult.documents.pictures import shown_images
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.fhir.imaging_studies import DCM, DICOM_UID
from teleconsult.notes.content import Clinician, KeyImage, NoteContent
from teleconsult.records.documents import SHA256

LOINC: Final = "http://loinc.org"
URIS: Final = "urn:ietf:rfc:3986"
"""The system of an identifier that is a URI."""
CONSULT_NOTE: Final = {"coding": [{"system": LOINC, "code": "11488-4", "display": "Consult note"}]}
SECTION_CODES: Final = {
    "findings": {"system": LOINC, "code": "59776-5", "display": "Procedure findings Narrative"},
    "opinion": {"system": LOINC, "code": "51848-0", "display": "Evaluation note"},
    "plan": {"system": LOINC, "code": "18776-5", "display": "Plan of care note"},
    "medicines": {"system": LOINC, "code": "10160-0", "display": "History of Medication use Narrative"},
    "follow_up": {"system": LOINC, "code": "69730-0", "display": "Instructions"},
}
KEY_IMAGES: Final = {"system": LOINC, "code": "55113-5", "display": "Key images Document Radiology"}
SOP_CLASS: Final = "urn:ietf:rfc:3986"
"""The system of a SOP class as R4 has it (http://hl7.org/fhir/R4/imagingstudy-definitions.html#ImagingStudy.series.instance.sopClass)."""
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
VISIBILITY: Final = (
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument"
)
XHTML: Final = "http://www.w3.org/1999/xhtml"


class PdfBytes(Protocol):
    """What is told of the bytes of a PDF (`notes.evidence.PdfRevision`); what is not known is None."""

    @property
    def size(self) -> int | None: ...
    @property
    def sha256(self) -> bytes: ...
    @property
    def sha1(self) -> bytes | None: ...


def composition(note: NoteContent) -> dict[str, Any]:
    """The note's sections with who answered and attested (http://hl7.org/fhir/R4/composition.html)."""
    words = NOTE_WORDS[note.language]
    moment = note.written_at.isoformat()
    resource: dict[str, Any] = {
        "resourceType": "Composition",
        "identifier": _uri(f"urn:uuid:{note.set_id}"),
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
                "text": {"status": "generated", "div": division(text)},
            }
            for name, text in note.written_sections()
        ],
    }
    if note.relation:
        resource["relatesTo"] = [{"code": note.relation.value, "targetIdentifier": _uri(f"urn:oid:{note.related_oid}")}]
    if note.encounter_id:
        resource["encounter"] = {"reference": f"Encounter/{note.encounter_id}"}
    if note.key_images:
        resource["section"].append(_pictures(note))
    return resource | _contained(note)


def document_reference(note: NoteContent, *, pdf: PdfBytes) -> dict[str, Any]:
    """The signed PDF as a document of the file (http://hl7.org/fhir/R4/documentreference.html)."""
    words = NOTE_WORDS[note.language]
    moment = note.written_at.isoformat()
    related = [{"reference": f"ServiceRequest/{note.consult_id}"}, *_references(note)]
    context: dict[str, Any] = {"related": related}
    if note.encounter_id:
        context["encounter"] = [{"reference": f"Encounter/{note.encounter_id}"}]
    resource = {
        "resourceType": "DocumentReference",
        "masterIdentifier": _uri(f"urn:oid:{note.document_oid}"),
        "identifier": [_uri(f"urn:uuid:{note.id}")],
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
                    "title": words.title,
                    "creation": moment,
                    **told_of(pdf),
                }
            }
        ],
        "context": context,
    } | _contained(note)
    if hidden := hidden_from(note):
        resource["securityLabel"] = hidden
    if note.relation:
        target = {"type": "DocumentReference", "identifier": _uri(f"urn:oid:{note.related_oid}")}
        resource["relatesTo"] = [{"code": note.relation.value, "target": target}]
    return resource


def told_of(pdf: PdfBytes) -> dict[str, Any]:
    """Size and hash of the bytes, for an attachment (http://hl7.org/fhir/R4/datatypes.html#Attachment)."""
    told: dict[str, Any] = {"extension": [{"url": SHA256, "valueString": pdf.sha256.hex()}]}
    if pdf.size is not None:
        told["size"] = pdf.size
    if pdf.sha1 is not None:
        told["hash"] = base64.b64encode(pdf.sha1).decode()
    return told


def with_revision(resource: Mapping[str, Any], pdf: PdfBytes) -> dict[str, Any]:
    """A DocumentReference of ours that tells of these bytes."""
    first, *others = resource["content"]
    told = {name: value for name, value in first["attachment"].items() if name not in ("size", "hash", "extension")}
    return {**resource, "content": [{**first, "attachment": told | told_of(pdf)}, *others]}


def hidden_from(note: NoteContent) -> list[dict[str, Any]]:
    """Who must not see it (http://hl7.org/fhir/R4/documentreference-definitions.html#DocumentReference.securityLabel)."""
    marks = (
        (note.invisible_to_patient, "INVISIBLE_PATIENT", "Non visible par le patient"),
        (
            note.invisible_to_guardians,
            "INVISIBLE_REPRESENTANTS_LEGAUX",
            "Non visible par les représentants légaux du patient",
        ),
    )
    codes = [{"system": VISIBILITY, "code": code, "display": words} for is_set, code, words in marks if is_set]
    if not codes:
        return []
    restricted = {"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}
    return [{"coding": [one]} for one in (restricted, *codes)]


def _pictures(note: NoteContent) -> dict[str, Any]:
    """The section that says which images, and what was measured on them."""
    told = ["\n".join((shown.caption, *shown.measurements)) for shown in shown_images(note.key_images, note.language)]
    section: dict[str, Any] = {
        "title": NOTE_WORDS[note.language].key_images,
        "code": {"coding": [KEY_IMAGES]},
        "text": {"status": "generated", "div": division("\n\n".join(told))},
    }
    references = _references(note)
    return section | {"entry": references} if references else section


def _contained(note: NoteContent) -> dict[str, Any]:
    studies = _studies(note)
    return {"contained": studies} if studies else {}


def _references(note: NoteContent) -> list[dict[str, str]]:
    return [{"reference": f"#{study['id']}", "type": "ImagingStudy"} for study in _studies(note)]


def _studies(note: NoteContent) -> list[dict[str, Any]]:
    """The studies of the key images, of which only those instances are listed that the note rests on."""
    known = [image for image in note.key_images if image.sop_class_uid]
    by_study: dict[str, list[KeyImage]] = {}
    for image in known:
        by_study.setdefault(image.study_uid, []).append(image)
    return [_study(note, f"images-{number}", uid, by_study[uid]) for number, uid in enumerate(by_study, start=1)]


def _study(note: NoteContent, name: str, uid: str, images: Sequence[KeyImage]) -> dict[str, Any]:
    """http://hl7.org/fhir/R4/imagingstudy.html"""
    instances = {
        image.sop_instance_uid: (image.series_uid, image.modality, image.sop_class_uid, image.number)
        for image in images
    } | {
        report.sop_instance_uid: (report.series_uid, "SR", report.sop_class_uid, None)
        for image in images
        for report in image.reports
    }
    series: dict[str, dict[str, Any]] = {}
    for sop, (series_uid, modality, sop_class, number) in instances.items():
        listed = series.setdefault(
            series_uid, {"uid": series_uid, "modality": {"system": DCM, "code": modality}, "instance": []}
        )
        instance = {"uid": sop, "sopClass": {"system": SOP_CLASS, "code": f"urn:oid:{sop_class}"}}
        listed["instance"].append(instance | ({"number": number} if number is not None and number >= 0 else {}))
    return {
        "resourceType": "ImagingStudy",
        "id": name,
        "identifier": [{"system": DICOM_UID, "value": f"urn:oid:{uid}"}],
        "status": "available",
        "subject": _subject(note),
        "series": list(series.values()),
    }


def _uri(value: str) -> dict[str, str]:
    return {"system": URIS, "value": value}


def _subject(note: NoteContent) -> dict[str, str]:
    return {"reference": f"Patient/{note.patient.id}", "display": note.patient.name}


def _role(clinician: Clinician) -> dict[str, str]:
    return {"reference": f"PractitionerRole/{clinician.role_id}", "display": clinician.name}


def _organization(clinician: Clinician) -> dict[str, str]:
    return {"reference": f"Organization/{clinician.organization_id}", "display": clinician.organization}


def division(text: str) -> str:
    """Paragraphs between empty lines, line breaks within them (http://hl7.org/fhir/R4/narrative.html)."""
    paragraphs = (escape(part).replace("\n", "<br/>") for part in text.strip().split("\n\n") if part.strip())
    return f'<div xmlns="{XHTML}">' + "".join(f"<p>{part}</p>" for part in paragraphs) + "</div>"
