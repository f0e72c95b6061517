"""Bringing a signed note to who asked, with a receipt; and the receipt's counterpart, the requester's word."""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.recording import permits
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import RequestStatus, ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for, lock_consult, whole
from teleconsult.consults.states import Verb, require
from teleconsult.delivery.filed_entries import related_to, tell_followed, tell_withdrawn
from teleconsult.delivery.models import OWED, Delivery, DeliveryStatus
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.receiving_receipts import stand
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.errors import NotFound
from teleconsult.excerpts.revoking import let_expire
from teleconsult.fhir.notes import composition, document_reference
from teleconsult.notes.content import NoteContent
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.models import Composition
from teleconsult.patients.models import Patient
from teleconsult.records.actions import file_entry
from teleconsult.records.models import Origin
from teleconsult.settings import EXCERPT_DAYS

RETRACTED: Final = "The signed note was retracted."


async def deliver_note(session: AsyncSession, actor: Actor, *, delivery_id: uuid.UUID) -> Delivery:
    """Write the note into the patient's file at the establishment it is owed to, once, however often this is called.

    Two entries: the signed PDF, and what it says; those of the note that it replaces or adds to say so from now on. At
    the requesting establishment the task is completed with the note as its output. Another's file is written only
    while the consent stands; that of who asked keeps what was signed (`consents.effects`).
    Raises NotFound for an unknown delivery.
    """
    delivery = await _locked(session, delivery_id)
    if delivery.status not in OWED:
        return delivery
    note = await session.get_one(Composition, delivery.composition_id)
    await lock_consult(session, note.service_request_id)  # before the note, as all others do
    # no later revision comes between the one that is told of and this entry
    await session.refresh(note, with_for_update={"key_share": True})
    assert note.content is not None  # only signed notes are queued
    patient_id = await _patient_there(session, note, delivery)
    is_requesters = patient_id == note.patient_id
    if not is_requesters and not await permits(session, note.service_request_id):
        return _ended(delivery, Reason.CONSENT_WITHDRAWN)
    if patient_id is None:
        return _ended(delivery, Reason.NO_FILE)
    content = NoteContent.from_bytes(note.content)
    pdf, earlier = await current_pdf(session, note), await tell_followed(session, actor, delivery, note)
    entries = [
        await file_entry(
            session,
            actor,
            patient_id=patient_id,
            resource=related_to(resource, earlier),
            title=NOTE_WORDS[content.language].title,
            effective_at=content.written_at,
            author_name=content.author.name,
            author_role_id=note.author_role_id,
            organization_id=uuid.UUID(content.author.organization_id),
            source_id=note.id,
            origin=Origin.CONSULT,
        )
        for resource in (document_reference(content, pdf=pdf), composition(content))
    ]
    stand(delivery, DeliveryStatus.DELIVERED)
    delivery.attempts += 1
    delivery.receipt = {"entries": [str(entry.id) for entry in entries]}
    if is_requesters:
        await _complete_task(session, note, replaces=delivery.replaces_id is not None)
    audit.record(session, actor, "note-delivered", note, patient_id=patient_id, delivery=delivery.id)
    return delivery


async def retract_note(session: AsyncSession, actor: Actor, *, delivery_id: uuid.UUID) -> Delivery:
    """Mark what a delivery wrote into a patient's file as entered in error; it stays to be seen. Twice is once.

    Raises NotFound for an unknown delivery.
    """
    delivery = await _locked(session, delivery_id)
    if delivery.status not in OWED:
        return delivery
    await tell_withdrawn(session, actor, delivery, reason=RETRACTED)
    stand(delivery, DeliveryStatus.DELIVERED)
    delivery.attempts += 1
    note = await session.get_one(Composition, delivery.composition_id)
    audit.record(session, actor, "retraction-delivered", note, patient_id=note.patient_id, delivery=delivery.id)
    return delivery


async def acknowledge_note(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, excerpt_days: int = EXCERPT_DAYS
) -> ServiceRequest:
    """The requester has read the note and takes it up: the consult is closed.

    Its specialists can read what was shared for `excerpt_days` more.

    Raises NotFound, Forbidden for anybody but who asked, Refused before the delivery and the second time.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.ACKNOWLEDGE)
    moment = now()
    consult.status = RequestStatus.COMPLETED
    consult.completed_at = consult.updated_at = moment
    await let_expire(session, consult_id=consult.id, after=timedelta(days=excerpt_days))
    audit.record(session, actor, "note-acknowledged", consult, patient_id=consult.patient_id)
    await session.flush()
    await tell_consult(session, "ConsultNoteAcknowledged", consult)
    return consult


async def _locked(session: AsyncSession, delivery_id: uuid.UUID) -> Delivery:
    delivery = await session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None:
        raise NotFound
    return delivery


async def _patient_there(session: AsyncSession, note: Composition, delivery: Delivery) -> uuid.UUID | None:
    """Who the patient is at the destination, by the links that stand now; None where the person is not known there."""
    patient = await session.get_one(Patient, note.patient_id)
    house = uuid.UUID(delivery.destination)
    if patient.organization_id == house:
        return patient.id
    found: uuid.UUID | None = await session.scalar(
        select(Patient.id)
        .where(Patient.person_id == patient.person_id, Patient.organization_id == house)
        .order_by(Patient.created_at)
        .limit(1)
    )
    return found


def _ended(delivery: Delivery, reason: Reason) -> Delivery:
    stand(delivery, DeliveryStatus.CANCELLED, reason=reason)
    return delivery


async def _complete_task(session: AsyncSession, note: Composition, *, replaces: bool) -> None:
    consult = await session.scalar(
        select(ServiceRequest).where(ServiceRequest.id == note.service_request_id).options(*whole())
    )
    assert consult is not None  # the note's foreign key says so
    assert consult.task is not None  # the signature said whose it is
    if replaces or consult.task.status is not TaskStatus.COMPLETED:
        consult.task.output_composition_id = note.id
    consult.task.status = TaskStatus.COMPLETED
    consult.task.modified_at = now()
    await session.flush()
    await tell_consult(session, "ConsultNoteDelivered", consult)
