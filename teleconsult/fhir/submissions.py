"""A signed note as another FHIR server takes it: IHE MHD 4.0.1, Provide Document Bundle (ITI-65).

A transaction of List (the submission set), DocumentReference, Binary and Provenance. Sent again it changes nothing:
what has an identifier is created only where there is none of it, and what has none is put under an id of ours.
"""

import base64
import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, Final

from teleconsult.documents.words import NOTE_WORDS
from teleconsult.fhir.notes import CONSULT_NOTE, URIS, hidden_from
from teleconsult.notes.content import Clinician, NoteContent, Relation

Resource = dict[str, Any]

MHD: Final = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/"
LIST_TYPES: Final = f"{MHD.rsplit('/', 2)[0]}/CodeSystem/MHDlistTypes"
SOURCE_ID: Final = f"{MHD.rsplit('/', 2)[0]}/StructureDefinition/ihe-sourceId"
FORMAT: Final = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:iti:xds-sd:pdf:2008",
    "display": "XDS-SD PDF",
}
AUTHOR: Final = {"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "author"}


@dataclass(frozen=True, slots=True)
class Submission:
    """What a transaction needs besides the note. `patient` and `related` are references at the server.

    `related` is the document that it replaces or appends to, None where the server has none of it.
    """

    id: uuid.UUID
    """Of the delivery: the submission set's."""
    at: str
    patient: Resource
    pdf: bytes
    related: str | None = None


def transaction(note: NoteContent, submission: Submission) -> Resource:
    """The Bundle (https://profiles.ihe.net/ITI/MHD/4.0.1/ITI-65.html)."""
    ids = _Ids(note)
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{MHD}IHE.MHD.Minimal.ProvideBundle"]},
        "type": "transaction",
        "entry": [
            _created(ids.set_of(submission), _list(note, submission, ids), f"urn:uuid:{submission.id}"),
            _created(ids.document, _document(note, submission, ids), f"urn:oid:{note.document_oid}"),
            _put(ids.binary, {"resourceType": "Binary", "contentType": "application/pdf", "data": _text(submission)}),
            _put(ids.provenance, _provenance(note, submission, ids)),
        ],
    }


def master_identifier(document_oid: str) -> str:
    """How a document is searched for by what it is called (R4 DocumentReference, search parameter `identifier`)."""
    return f"{URIS}|urn:oid:{document_oid}"


@dataclass(frozen=True, slots=True)
class _Ids:
    """Ids made of the document's own: the same at each attempt, and to everybody."""

    note: NoteContent

    @property
    def document(self) -> str:
        return self._made("document")

    @property
    def binary(self) -> str:
        return self._made("binary")

    @property
    def provenance(self) -> str:
        return self._made("provenance")

    def set_of(self, submission: Submission) -> str:
        return str(uuid.uuid5(submission.id, "submission-set"))

    def _made(self, what: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.note.id), what))


def _created(id: str, resource: Resource, identifier: str) -> Resource:
    """Only where nothing is called so (R4 §3.1.0.8.1, conditional create)."""
    kind = resource["resourceType"]
    request = {"method": "POST", "url": kind, "ifNoneExist": f"identifier={URIS}|{identifier}"}
    return {"fullUrl": f"urn:uuid:{id}", "resource": resource, "request": request}


def _put(id: str, resource: Resource) -> Resource:
    """Under an id of ours (R4 §3.1.0.7.1, update as create): a second time it is the same."""
    url = f"{resource['resourceType']}/{id}"
    return {
        "fullUrl": f"urn:uuid:{id}",
        "resource": {**resource, "id": id},
        "request": {"method": "PUT", "url": url},
    }


def _list(note: NoteContent, submission: Submission, ids: _Ids) -> Resource:
    return {
        "resourceType": "List",
        "meta": {"profile": [f"{MHD}IHE.MHD.Minimal.SubmissionSet"]},
        "extension": [{"url": SOURCE_ID, "valueIdentifier": _uri(f"urn:uuid:{note.author.organization_id}")}],
        "identifier": [_uri(f"urn:uuid:{submission.id}")],
        "status": "current",
        "mode": "working",
        "title": NOTE_WORDS[note.language].title,
        "code": {"coding": [{"system": LIST_TYPES, "code": "submissionset"}]},
        "subject": submission.patient,
        "date": submission.at,
        "source": {"type": "Practitioner", **_named(note.author)},
        "entry": [{"item": {"reference": f"urn:uuid:{ids.document}"}}],
    }


def _document(note: NoteContent, submission: Submission, ids: _Ids) -> Resource:
    written = note.written_at.isoformat()
    session: Resource = {"start": (note.session_started_at or note.written_at).isoformat()}
    session["end"] = (note.session_ended_at or note.written_at).isoformat()
    resource: Resource = {
        "resourceType": "DocumentReference",
        "meta": {"profile": [f"{MHD}IHE.MHD.Minimal.DocumentReference"]},
        "contained": [_practitioner(note.author)],
        "masterIdentifier": _uri(f"urn:oid:{note.document_oid}"),
        "identifier": [_uri(f"urn:oid:{note.document_oid}"), _uri(f"urn:uuid:{note.set_id}")],
        "status": "current",
        "docStatus": "final",
        "type": CONSULT_NOTE,
        "subject": submission.patient,
        "date": written,
        "author": [{"reference": "#author", "display": note.author.name}],
        "authenticator": {"reference": "#author", "display": note.author.name},
        "custodian": {"display": note.author.organization},
        "description": NOTE_WORDS[note.language].title,
        "content": [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "language": note.language,
                    "url": f"urn:uuid:{ids.binary}",
                    "size": len(submission.pdf),
                    "hash": base64.b64encode(hashlib.sha1(submission.pdf, usedforsecurity=False).digest()).decode(),
                    "title": NOTE_WORDS[note.language].title,
                    "creation": written,
                },
                "format": FORMAT,
            }
        ],
        "context": {"period": session},
    }
    if hidden := hidden_from(note):
        resource["securityLabel"] = hidden
    if note.relation != Relation.NONE:
        resource["relatesTo"] = [{"code": note.relation.value, "target": _related(note, submission)}]
    return resource


def _related(note: NoteContent, submission: Submission) -> Resource:
    if submission.related is not None:
        return {"reference": submission.related, "type": "DocumentReference"}
    return {"type": "DocumentReference", "identifier": _uri(f"urn:oid:{note.related_oid}")}


def _provenance(note: NoteContent, submission: Submission, ids: _Ids) -> Resource:
    """Who wrote it, and when (http://hl7.org/fhir/R4/provenance.html); the signatures are within the PDF."""
    return {
        "resourceType": "Provenance",
        "target": [{"reference": f"urn:uuid:{ids.document}"}],
        "recorded": submission.at,
        "agent": [
            {
                "type": {"coding": [AUTHOR]},
                "who": {"type": "Practitioner", **_named(note.author)},
                "onBehalfOf": {"display": note.author.organization},
            }
        ],
        "entity": [
            {"role": "source", "what": {"type": "Composition", "identifier": _uri(f"urn:oid:{note.document_oid}")}}
        ],
    }


def _practitioner(who: Clinician) -> Resource:
    name: Resource = {"text": who.name}
    if who.family:
        name |= {"family": who.family} | ({"given": [who.given]} if who.given else {})
    resource: Resource = {"resourceType": "Practitioner", "id": "author", "name": [name]}
    if who.registration_number:
        resource["identifier"] = [{"value": who.registration_number}]
    return resource


def _named(who: Clinician) -> Resource:
    number = {"identifier": {"value": who.registration_number}} if who.registration_number else {}
    return {**number, "display": who.name}


def _uri(value: str) -> dict[str, str]:
    return {"system": URIS, "value": value}


def _text(submission: Submission) -> str:
    return base64.b64encode(submission.pdf).decode()
