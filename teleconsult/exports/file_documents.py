"""A file as a FHIR R4 document: a section for what must not be overlooked, then one for each kind of entry."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from teleconsult.accounts.actor import Actor
from teleconsult.documents.printout import Part
from teleconsult.excerpts.choosing import by_kind
from teleconsult.exports.attachments import Attachments
from teleconsult.exports.files import LeavingFile
from teleconsult.fhir.documents import OF_KIND, Document, Resource, Section
from teleconsult.fhir.entries import entry_resource
from teleconsult.fhir.people import house_of_actor, organization_resource, role_of_actor
from teleconsult.records.kinds import EntryKind

SUMMED_UP = (EntryKind.ALLERGIES, EntryKind.PROBLEMS, EntryKind.MEDICINES)


def file_document(
    leaving: LeavingFile,
    actor: Actor,
    *,
    id: str,
    at: datetime,
    language: str,
    title: str,
    summed_up: Sequence[Part],
    parts: Mapping[EntryKind, Part],
    about: Part | None,
    attachments: Attachments,
) -> Document:
    """The document that `actor` takes out. The words of each section come ready, in `language`: `summed_up` in the
    order of the summary, `parts` by kind; `about` says what did not fit in.
    """
    standing = (leaving.summary.allergies, leaving.summary.problems, leaving.summary.medicines)
    sections = [
        Section(part, [entry_resource(entry) for entry in entries], OF_KIND[kind])
        for kind, entries, part in zip(SUMMED_UP, standing, summed_up, strict=True)
    ]
    sections += [
        Section(parts[kind], [entry_resource(entry) for entry in entries], OF_KIND[kind])
        for kind, entries in by_kind(leaving.entries).items()
    ]
    if about is not None:
        sections.append(Section(about))
    houses: list[Resource] = [organization_resource(patient.organization) for patient in leaving.file.linked]
    return Document(
        id=id,
        at=at,
        language=language,
        title=title,
        subject=leaving.patients[0],
        author=role_of_actor(actor),
        custodian=house_of_actor(actor),
        sections=sections,
        others=[*leaving.patients[1:], *houses, *attachments.binaries],
    )
