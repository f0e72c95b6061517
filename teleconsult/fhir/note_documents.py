"""A signed note as a FHIR R4 document: all it speaks of in one Bundle, and the hash of the PDF that was signed with it
(http://hl7.org/fhir/R4/documents.html).

A pure function of what was signed: the same note gives the same bytes. References are `urn:uuid:` within the Bundle,
so that it is whole wherever it is kept, and says nothing of a server.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from teleconsult.documents.words import NOTE_WORDS
from teleconsult.fhir.imaging_studies import DCM, DICOM_UID
from teleconsult.fhir.notes import URIS, composition, division, document_reference
from teleconsult.fhir.patients import NUMBER_TYPES, RECORD_NUMBER
from teleconsult.notes.content import Clinician, ImagesShared, NoteContent

Resource = dict[str, Any]

CONSULTATION: Final = {"coding": [{"system": "http://snomed.info/sct", "code": "11429006", "display": "Consultation"}]}
VIRTUAL: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR", "display": "virtual"}
LICENCE: Final = {"coding": [{"system": NUMBER_TYPES, "code": "MD", "display": "Medical License number"}]}
IMAGES: Final = {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}
NAMED_BY_HASH: Final = "ni:///sha-256;"
"""RFC 6920 §3: a name made of what it names. R4's own `Attachment.hash` is SHA-1, which proves nothing any more."""


@dataclass(frozen=True, slots=True)
class SignedPdf:
    """The first signed PDF: every later revision begins with these bytes."""

    sha256: bytes
    sha1: bytes
    size: int

    @classmethod
    def of(cls, pdf: bytes) -> Self:
        """What names these bytes."""
        return cls(hashlib.sha256(pdf).digest(), hashlib.sha1(pdf, usedforsecurity=False).digest(), len(pdf))


def note_document(note: NoteContent, pdf: SignedPdf) -> bytes:
    """The Bundle as the bytes that are signed and stored."""
    subject = f"Patient/{note.patient.id}"
    resources = [
        _composition(note),
        _patient(note),
        *_clinician(note.author),
        *_clinician(note.requester),
        _request(note),
        *([_encounter(note)] if note.encounter_id else ()),
        *(_study(note, images) for images in note.images),
        _document(note, pdf),
    ]
    known = {f"{one['resourceType']}/{one['id']}": one for one in resources}
    assert subject in known
    bundle = {
        "resourceType": "Bundle",
        "id": note.id,
        "language": note.language,
        "identifier": {"system": URIS, "value": f"urn:oid:{note.document_oid}"},
        "type": "document",
        "timestamp": note.written_at.isoformat(),
        "entry": [
            {"fullUrl": f"urn:uuid:{resource['id']}", "resource": _within(resource, known)}
            for resource in known.values()
        ],
    }
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()


def pdf_name(sha256: bytes) -> str:
    """A PDF's name, made of its hash."""
    return NAMED_BY_HASH + base64.urlsafe_b64encode(sha256).rstrip(b"=").decode()


def _composition(note: NoteContent) -> Resource:
    resource = {**composition(note), "id": note.id}
    if note.images:
        told = "; ".join(filter(None, (f"{one.modality} {one.description}".strip() for one in note.images))) or "–"
        resource["section"] = [
            *resource["section"],
            {
                "title": NOTE_WORDS[note.language].images,
                "code": {"coding": [IMAGES]},
                "text": {"status": "generated", "div": division(told)},
                "entry": [{"reference": f"ImagingStudy/{_study_id(note, one)}"} for one in note.images],
            },
        ]
    return resource


def _patient(note: NoteContent) -> Resource:
    """Who the patient was when the note was signed."""
    who = note.patient
    numbers = [{"system": system, "value": value} for system, value in who.identifiers]
    local = {"use": "usual", "type": RECORD_NUMBER, "value": who.local_number}
    resource: Resource = {
        "resourceType": "Patient",
        "id": who.id,
        "identifier": [*([local] if who.local_number else ()), *numbers],
        "name": [{"use": "temp" if who.is_temporary else "official", "text": who.name}],
        "gender": who.gender,
    }
    if who.birth_date:
        resource["birthDate"] = who.birth_date.isoformat()
    return {name: value for name, value in resource.items() if value}


def _clinician(who: Clinician) -> list[Resource]:
    """What somebody does, who they are, and where."""
    person = str(uuid.uuid5(uuid.UUID(who.role_id), "Practitioner"))
    role: Resource = {
        "resourceType": "PractitionerRole",
        "id": who.role_id,
        "practitioner": {"reference": f"Practitioner/{person}", "display": who.name},
        "organization": {"reference": f"Organization/{who.organization_id}", "display": who.organization},
    }
    if who.specialty:
        role["specialty"] = [{"text": who.specialty}]
    practitioner: Resource = {"resourceType": "Practitioner", "id": person, "name": [{"text": who.name}]}
    if who.registration_number:
        practitioner["identifier"] = [{"type": LICENCE, "value": who.registration_number}]
    house = {"resourceType": "Organization", "id": who.organization_id, "name": who.organization}
    return [role, practitioner, house]


def _request(note: NoteContent) -> Resource:
    resource: Resource = {
        "resourceType": "ServiceRequest",
        "id": note.consult_id,
        "identifier": [{"value": str(note.consult_number)}],
        "status": "active",
        "intent": "order",
        "code": CONSULTATION,
        "subject": {"reference": f"Patient/{note.patient.id}"},
        "authoredOn": note.asked_at.isoformat(),
        "requester": {"reference": f"PractitionerRole/{note.requester.role_id}"},
        "performerType": {"text": note.service},
    }
    if note.question.strip():
        resource["reasonCode"] = [{"text": note.question.strip()}]
    return resource


def _encounter(note: NoteContent) -> Resource:
    """The session that took place."""
    times = {"start": note.session_started_at, "end": note.session_ended_at}
    period = {name: moment.isoformat() for name, moment in times.items() if moment is not None}
    resource: Resource = {
        "resourceType": "Encounter",
        "id": note.encounter_id,
        "status": "finished",
        "class": VIRTUAL,
        "subject": {"reference": f"Patient/{note.patient.id}"},
        "basedOn": [{"reference": f"ServiceRequest/{note.consult_id}"}],
    }
    return resource | ({"period": period} if period else {})


def _study(note: NoteContent, images: ImagesShared) -> Resource:
    """A study that came with the request, by its UID: not its images."""
    resource: Resource = {
        "resourceType": "ImagingStudy",
        "id": _study_id(note, images),
        "identifier": [{"system": DICOM_UID, "value": f"urn:oid:{images.study_uid}"}],
        "status": "available",
        "subject": {"reference": f"Patient/{note.patient.id}"},
        "basedOn": [{"reference": f"ServiceRequest/{note.consult_id}"}],
        "numberOfInstances": images.images,
    }
    if images.modality:
        resource["modality"] = [{"system": DCM, "code": code} for code in images.modality.split("/")]
    if images.taken_on:
        resource["started"] = images.taken_on.isoformat()
    if images.description.strip():
        resource["description"] = images.description.strip()
    return resource


def _study_id(note: NoteContent, images: ImagesShared) -> str:
    return str(uuid.uuid5(uuid.UUID(note.id), images.study_uid))


def _document(note: NoteContent, pdf: SignedPdf) -> Resource:
    """The PDF that was signed with this: by its hash, not by an address."""
    resource = document_reference(note, pdf=pdf)
    attachment = {name: value for name, value in resource["content"][0]["attachment"].items() if name != "url"}
    return {
        **resource,
        "id": str(uuid.uuid5(uuid.UUID(note.id), "DocumentReference")),
        "identifier": [{"system": URIS, "value": pdf_name(pdf.sha256)}],
        "content": [{"attachment": attachment}],
    }


def _within(told: Any, known: Mapping[str, Resource]) -> Any:
    """The same, with each reference to what is in the Bundle by its name there."""
    if isinstance(told, list):
        return [_within(one, known) for one in told]
    if not isinstance(told, dict):
        return told
    found = {name: _within(value, known) for name, value in told.items()}
    if (target := known.get(str(told.get("reference")))) is not None:
        found["reference"] = f"urn:uuid:{target['id']}"
    return found
