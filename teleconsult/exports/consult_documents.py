"""A consult as a FHIR R4 document: what was asked, what was shared, what was answered."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from teleconsult.accounts.actor import Actor
from teleconsult.documents.printout import Part
from teleconsult.excerpts.models import ExcerptItem
from teleconsult.exports.attachments import Attachments
from teleconsult.exports.consults import LeavingConsult
from teleconsult.fhir.consents import consent_resource
from teleconsult.fhir.documents import Document, Resource, Section
from teleconsult.fhir.imaging_studies import imaging_study
from teleconsult.fhir.notes import composition, document_reference
from teleconsult.fhir.patients import patient_resource
from teleconsult.fhir.people import (
    house_of_actor,
    organization_resource,
    role_of_actor,
    role_resource,
    service_resource,
)
from teleconsult.fhir.requests import service_request, task
from teleconsult.imaging.queries import StudyCard
from teleconsult.notes.content import NoteContent, Relation
from teleconsult.notes.models import Composition, CompositionStatus

REFERRAL: Final = ("57133-1", "Referral note")
IMAGES: Final = ("18748-4", "Diagnostic imaging study")
CONSENT: Final = ("59284-0", "Consent Document")
NOTE: Final = ("11488-4", "Consult note")
_PRIVATE: Final = ("telecom", "address", "extension", "link")
"""Of a patient, what a consult does not tell."""


def consult_document(
    leaving: LeavingConsult,
    actor: Actor,
    *,
    id: str,
    at: datetime,
    language: str,
    title: str,
    naming: str,
    request: Part,
    excerpt: Part,
    images: Part,
    notes: Part,
    consent: Part,
    further: tuple[Part, ...],
    pdfs: list[Resource],
    attachments: Attachments,
) -> Document:
    """The document that `actor` takes out. The words of each section come ready, in `language`; `pdfs` are the
    references to the signed notes (`pdf_references`). `naming` begins the systems of our own numbers.
    """
    consult = leaving.consult
    patient = patient_resource(leaving.patient, naming=naming)
    subject = {name: value for name, value in patient.items() if name not in _PRIVATE}
    items = leaving.excerpt.items if leaving.excerpt else ()
    people = [consult.requester, *(task.owner for task in leaving.tasks if task.owner is not None)]
    services = {task.service_id: task.service for task in leaving.tasks}
    houses = [leaving.patient.organization, *(service.organization for service in services.values())]
    recipient = consult.service.organization if consult.service else None
    agreed = [consent_resource(leaving.consent, recipient)] if leaving.consent else []
    asked = [service_request(consult, naming=naming), *(task(one) for one in leaving.tasks)]
    return Document(
        id=id,
        at=at,
        language=language,
        title=title,
        subject=subject,
        author=role_of_actor(actor),
        custodian=house_of_actor(actor),
        sections=[
            Section(request, asked, REFERRAL),
            Section(excerpt, [_frozen(item) for item in items]),
            Section(images, [_study(card, leaving) for card in leaving.studies], IMAGES),
            Section(notes, [*(_said(note, leaving) for note in leaving.notes), *pdfs], NOTE),
            Section(consent, agreed, CONSENT),
            *(Section(part) for part in further),
        ],
        others=[
            *(role_resource(role) for role in people),
            *(service_resource(service) for service in services.values()),
            *(organization_resource(house) for house in houses),
            *attachments.binaries,
        ],
    )


def pdf_references(leaving: LeavingConsult, *, sizes: Mapping[uuid.UUID, int]) -> list[Resource]:
    """A DocumentReference for each signed PDF; `sizes` are those of PDFs whose size was not kept."""
    found = []
    for note in leaving.notes:
        pdf = leaving.pdfs[note.id]
        pdf = pdf if pdf.size is not None else replace(pdf, size=sizes.get(note.id))
        status = status_in(leaving, note)
        reference = document_reference(content_of(note), pdf=pdf) | {"id": str(note.id), "docStatus": status.value}
        if status is CompositionStatus.ENTERED_IN_ERROR:
            reference["status"] = status.value
        elif any(other.related_id == note.id and other.relation is Relation.REPLACES for other in leaving.notes):
            reference["status"] = "superseded"
        found.append(reference)
    return found


def status_in(leaving: LeavingConsult, note: Composition) -> CompositionStatus:
    """Where a note stands beside the others: those that were replaced or added to are `amended`."""
    if note.id in leaving.withdrawn:
        return CompositionStatus.ENTERED_IN_ERROR
    is_followed = any(other.related_id == note.id for other in leaving.notes)
    return CompositionStatus.AMENDED if is_followed else note.status


def content_of(note: Composition) -> NoteContent:
    """What a signed note says."""
    assert note.content is not None  # a signed note is whole: the database checks
    return NoteContent.from_bytes(note.content)


def _said(note: Composition, leaving: LeavingConsult) -> Resource:
    return {"id": str(note.id), **composition(content_of(note)), "status": status_in(leaving, note).value}


def _frozen(item: ExcerptItem) -> Resource:
    """An entry as it stood when it was shared."""
    meta = item.resource.get("meta")
    return {
        "resourceType": item.resource_type.value,
        **item.resource,
        "id": str(item.record_entry_id),
        "meta": {**(meta if isinstance(meta, dict) else {}), "versionId": str(item.record_version)},
    }


def _study(card: StudyCard, leaving: LeavingConsult) -> Resource:
    """What was shared of images: not the images themselves."""
    return {
        **imaging_study(card.study, ()),
        "id": str(card.study.id),
        "subject": {"reference": f"Patient/{leaving.patient.id}"},
        "numberOfSeries": card.series,
        "numberOfInstances": card.instances,
    }
