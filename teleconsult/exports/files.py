"""A patient's file, gathered to leave: for who treats the patient, and never cut silently."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.sessions import require_open_session
from teleconsult.errors import Invalid, Refused
from teleconsult.exports.asking import ExportFormat, Wish
from teleconsult.fhir.patient_search import as_resources
from teleconsult.notes.evidence import current_pdfs
from teleconsult.notes.models import Composition
from teleconsult.patients.models import PatientIdentifier
from teleconsult.patients.queries import PatientFile, file_of, identifiers_of, treated_patient
from teleconsult.records.models import RecordEntry, ResourceType
from teleconsult.records.narrowing import Narrowing
from teleconsult.records.queries import LARGEST_PAGE, Summary, summary, timeline

MOST: Final = {ExportFormat.PDF: 1000, ExportFormat.DOCUMENT: 2000}
"""Entries at once. Paper is laid out for about ten seconds then; a document has about 5 MB."""
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of all entries, as JSON."""


@dataclass(frozen=True, slots=True)
class LeavingFile:
    """What of a file leaves: entries latest first, those entered in error among them, with their establishments."""

    file: PatientFile
    patients: Sequence[dict[str, Any]]
    """Those of the file as FHIR R4 Patient, in their order."""
    identifiers: Sequence[PatientIdentifier]
    summary: Summary
    entries: Sequence[RecordEntry]
    signed: Mapping[str, str]
    """The keys of the PDFs of notes of ours among them, as they are today, by the note's id."""


async def file_to_take(session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID) -> PatientFile:
    """The file, for who may take it out. Raises as `treated_patient`: breaking the glass lets one read, not take."""
    await treated_patient(session, actor, patient_id)
    return await file_of(session, actor, patient_id)


async def gather_file(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, only: Narrowing, format: ExportFormat, naming: str
) -> LeavingFile:
    """What leaves; `naming` begins the systems of our own numbers.

    Raises as `file_to_take`, Invalid on `since` where it is more than one export takes.
    """
    file = await file_to_take(session, actor, patient_id=patient_id)
    entries: list[RecordEntry] = []
    size = 0
    page = await timeline(session, file, only=only, limit=LARGEST_PAGE)
    while True:
        entries += page.entries
        size += sum(len(json.dumps(entry.resource)) for entry in page.entries)
        if len(entries) > MOST[format] or size > LARGEST:
            raise Invalid(
                {"since": "This is more than %(most)s entries, or too large. Choose a shorter period or fewer kinds."},
                most=MOST[format],
            )
        if page.older is None:
            break
        page = await timeline(session, file, only=only, before=page.older, limit=LARGEST_PAGE)
    return LeavingFile(
        file=file,
        patients=await as_resources(session, actor, file.linked, naming=naming),
        identifiers=await identifiers_of(session, file.patient),
        summary=await summary(session, file),
        entries=entries,
        signed=await _signed(session, actor, entries),
    )


async def let_file_leave(
    session: AsyncSession, actor: Actor, leaving: LeavingFile, *, wish: Wish, sha256: str, left_out: int = 0
) -> None:
    """Write down what is about to leave, in the log of each establishment that wrote in it.

    `sha256` is that of the bytes, `left_out` counts attachments that were too large. Raises as `file_to_take` where
    the file was closed meanwhile, Refused where an establishment no longer shares its part, Unauthenticated where the
    session is over.
    """
    await require_open_session(session, actor)
    file = await file_to_take(session, actor, patient_id=leaving.file.patient.id)
    wrote_in_it = [patient for patient in file.linked if patient.id in leaving.file.patient_ids]
    if len(wrote_in_it) < len(leaving.file.linked):
        raise Refused("Part of this file is no longer shared. Load the page again.")
    for patient in wrote_in_it:
        audit.record(
            session,
            actor,
            "file-exported",
            patient,
            patient_id=patient.id,
            format=wish.format,
            reason=wish.reason,
            words=wish.words,
            entries=len(leaving.entries),
            left_out=left_out,
            sha256=sha256,
        )


async def _signed(session: AsyncSession, actor: Actor, entries: Sequence[RecordEntry]) -> dict[str, str]:
    ids = {
        entry.source_id
        for entry in entries
        if entry.resource_type is ResourceType.DOCUMENT_REFERENCE and entry.source_id is not None
    }
    if not ids:
        return {}
    notes = await session.scalars(select(Composition).where(Composition.id.in_(ids), rows.legible_notes(actor)))
    return {str(id_): pdf.object_key for id_, pdf in (await current_pdfs(session, notes.all())).items()}
