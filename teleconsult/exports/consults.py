"""One consult, gathered to leave: as much of it as who takes it out may see at this moment."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.sessions import require_open_session
from teleconsult.audit.models import AuditEvent
from teleconsult.consents.models import Consent
from teleconsult.consults.history import history_of
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Part, part_of
from teleconsult.directory.models import HealthcareService, PractitionerRole
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.excerpts.models import Excerpt
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.exports.asking import Wish
from teleconsult.imaging.queries import StudyCard, studies_of_consult
from teleconsult.notes.evidence import PdfRevision, current_pdfs
from teleconsult.notes.models import Composition, NoteRetraction
from teleconsult.notes.queries import read_signed_notes
from teleconsult.patients.models import Patient, PatientIdentifier
from teleconsult.patients.queries import identifiers_of


@dataclass(frozen=True, slots=True)
class LeavingConsult:
    """What of a consult leaves. `excerpt` is None where it is not for this reader, or no longer."""

    consult: ServiceRequest
    patient: Patient
    """With its establishment."""
    identifiers: Sequence[PatientIdentifier]
    """The numbers authorities gave; none where another establishment takes it out."""
    tasks: Sequence[Task]
    consent: Consent | None
    history: Sequence[AuditEvent]
    excerpt: Excerpt | None
    studies: Sequence[StudyCard]
    notes: Sequence[Composition]
    """Signed, oldest first."""
    pdfs: Mapping[uuid.UUID, PdfRevision]
    """Of these, as they are today."""
    withdrawn: frozenset[uuid.UUID] = frozenset()
    """Those of them that count no more: only their author takes them out."""


async def consult_to_take(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> ServiceRequest:
    """The consult, for who may take it out: those who ask and those who answer.

    Raises NotFound, Forbidden for who arranges it, Refused for a draft.
    """
    consult = await consult_for(session, actor, consult_id)
    if part_of(consult, actor) is Part.COORDINATOR:
        raise Forbidden("This is for someone else to do.")
    if consult.status is RequestStatus.DRAFT:
        raise Refused("This request has not been submitted yet: there is nothing to export.")
    return consult


async def gather_consult(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> LeavingConsult:
    """What leaves; the reading of the excerpt and of the notes is logged as any other. Raises as `consult_to_take`."""
    consult = await consult_to_take(session, actor, consult_id=consult_id)
    excerpt = await _excerpt(session, actor, consult.id)  # first: it looks the consult up anew
    patient = await _patient(session, consult)
    is_own = patient.organization_id == actor.organization_id
    notes = await read_signed_notes(session, actor, consult_id=consult.id)
    withdrawn = await session.scalars(
        select(NoteRetraction.composition_id).where(NoteRetraction.composition_id.in_([note.id for note in notes]))
    )
    return LeavingConsult(
        consult=consult,
        patient=patient,
        identifiers=await identifiers_of(session, patient) if is_own else (),
        tasks=await _tasks(session, consult),
        consent=await _consent(session, consult),
        history=await history_of(session, consult),
        excerpt=excerpt,
        studies=await studies_of_consult(session, actor, consult),
        notes=notes,
        pdfs=await current_pdfs(session, notes),
        withdrawn=frozenset(withdrawn),
    )


async def let_consult_leave(
    session: AsyncSession, actor: Actor, leaving: LeavingConsult, *, wish: Wish, sha256: str, left_out: int = 0
) -> None:
    """Write down what is about to leave; see `files.let_file_leave`.

    Raises as `consult_to_take`, Refused where what was gathered is no longer shared, Unauthenticated where the session
    is over.
    """
    await require_open_session(session, actor)
    consult = await consult_to_take(session, actor, consult_id=leaving.consult.id)
    if leaving.excerpt is not None and not await _may_read(session, actor, leaving.excerpt):
        raise Refused("This excerpt is no longer shared. Ask the referring doctor to share it again.")
    audit.record(
        session,
        actor,
        "consult-exported",
        consult,
        patient_id=consult.patient_id,
        format=wish.format,
        reason=wish.reason,
        words=wish.words,
        entries=len(leaving.excerpt.items) if leaving.excerpt else 0,
        notes=len(leaving.notes),
        left_out=left_out,
        sha256=sha256,
    )


async def _patient(session: AsyncSession, consult: ServiceRequest) -> Patient:
    found = await session.scalars(
        select(Patient).where(Patient.id == consult.patient_id).options(joinedload(Patient.organization))
    )
    return found.one()


async def _consent(session: AsyncSession, consult: ServiceRequest) -> Consent | None:
    """The one given last, with what its FHIR resource names."""
    whose = joinedload(Consent.patient).joinedload(Patient.organization)
    return await session.scalar(
        select(Consent)
        .where(Consent.service_request_id == consult.id)
        .order_by(Consent.recorded_at.desc())
        .limit(1)
        .options(whose, joinedload(Consent.confirmed_by))
    )


async def _tasks(session: AsyncSession, consult: ServiceRequest) -> list[Task]:
    """All of them, oldest first, with what their FHIR resources name."""
    asked = joinedload(Task.service_request)
    found = await session.scalars(
        select(Task)
        .where(Task.service_request_id == consult.id)
        .order_by(Task.created_at)
        .options(
            asked.joinedload(ServiceRequest.patient),
            asked.joinedload(ServiceRequest.requester).joinedload(PractitionerRole.practitioner),
            joinedload(Task.service).joinedload(HealthcareService.organization),
            joinedload(Task.owner).joinedload(PractitionerRole.practitioner),
            joinedload(Task.assigned).joinedload(PractitionerRole.practitioner),
        )
    )
    return list(found)


async def _may_read(session: AsyncSession, actor: Actor, excerpt: Excerpt) -> bool:
    return await session.scalar(select(Excerpt.id).where(Excerpt.id == excerpt.id, rows.excerpts(actor))) is not None


async def _excerpt(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> Excerpt | None:
    try:
        return await excerpt_for(session, actor, consult_id)
    except (Refused, NotFound):
        return None
