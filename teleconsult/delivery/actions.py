"""Bringing a signed note to who asked, with a receipt; and the receipt's counterpart, the requester's word."""

import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import RequestStatus, ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for, lock_consult, whole
from teleconsult.consults.states import Verb, require
from teleconsult.delivery.models import Delivery, DeliveryStatus
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.errors import NotFound
from teleconsult.excerpts.revoking import let_expire
from teleconsult.fhir.notes import composition, document_reference
from teleconsult.notes.content import NoteContent
from teleconsult.notes.models import Composition
from teleconsult.records.actions import file_entry
from teleconsult.records.models import Origin
from teleconsult.settings import EXCERPT_DAYS


async def deliver_note(session: AsyncSession, actor: Actor, *, delivery_id: uuid.UUID, pdf_size: int) -> Delivery:
    """Write the note into the patient's file at the requesting establishment, once, however often this is called.

    Two entries: the signed PDF of `pdf_size` bytes, and what it says. The task is completed with the note as its
    output. Raises NotFound for an unknown delivery.
    """
    delivery = await session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None:
        raise NotFound
    if delivery.status is DeliveryStatus.DELIVERED:
        return delivery
    note = await session.get_one(Composition, delivery.composition_id)
    assert note.content is not None  # only signed notes are queued
    content = NoteContent.from_bytes(note.content)
    entries = [
        await file_entry(
            session,
            actor,
            patient_id=note.patient_id,
            resource=resource,
            title=NOTE_WORDS[content.language].title,
            effective_at=content.written_at,
            author_name=content.author.name,
            author_role_id=note.author_role_id,
            organization_id=uuid.UUID(content.author.organization_id),
            source_id=note.id,
            origin=Origin.CONSULT,
        )
        for resource in (document_reference(content, size=pdf_size), composition(content))
    ]
    delivery.status = DeliveryStatus.DELIVERED
    delivery.delivered_at = now()
    delivery.receipt = {"entries": [str(entry.id) for entry in entries]}
    await _complete_task(session, note)
    audit.record(session, actor, "note-delivered", note, patient_id=note.patient_id, delivery=delivery.id)
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


async def _complete_task(session: AsyncSession, note: Composition) -> None:
    await lock_consult(session, note.service_request_id)
    consult = await session.scalar(
        select(ServiceRequest).where(ServiceRequest.id == note.service_request_id).options(*whole())
    )
    assert consult is not None  # the note's foreign key says so
    assert consult.task is not None  # the signature said whose it is
    consult.task.status = TaskStatus.COMPLETED
    consult.task.output_composition_id = note.id
    consult.task.modified_at = now()
    await session.flush()
    await tell_consult(session, "ConsultNoteDelivered", consult)
