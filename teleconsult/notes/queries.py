"""Finding notes through the actor. A draft exists for its author alone."""

import uuid

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import visible_to as consults_visible_to
from teleconsult.directory.models import Organization
from teleconsult.errors import NotFound
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.patients.models import CareRelation, Patient
from teleconsult.patients.queries import READERS


async def note_for(session: AsyncSession, actor: Actor, note_id: uuid.UUID, *, lock: bool = False) -> Composition:
    """The note, as far as it exists for this actor. Raises NotFound.

    A draft: its author, while the consult is theirs to see. A signed note: its author, who asked, and who treats
    the patient, at the requesting establishment or one that shares its file. With `lock` the row stays
    locked until the transaction ends.
    """
    query = select(Composition).where(Composition.id == note_id, visible_to(actor))
    if lock:
        query = query.with_for_update(of=Composition).execution_options(populate_existing=True)
    note = await session.scalar(query)
    if note is None:
        raise NotFound
    return note


async def draft_for(session: AsyncSession, actor: Actor, note_id: uuid.UUID, *, lock: bool = False) -> Composition:
    """The actor's own note, signed or not. Raises NotFound for anybody else's."""
    note = await note_for(session, actor, note_id, lock=lock)
    if note.author_role_id != actor.role_id:
        raise NotFound
    return note


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which notes exist for this actor."""
    signed = Composition.status != CompositionStatus.PRELIMINARY
    asked = exists().where(
        ServiceRequest.id == Composition.service_request_id, ServiceRequest.requester_role_id == actor.role_id
    )
    written = and_(Composition.author_role_id == actor.role_id, or_(signed, _is_at_work_on(actor)))
    return or_(written, and_(signed, or_(asked, _treats(actor))))


def _is_at_work_on(actor: Actor) -> ColumnElement[bool]:
    """The consult exists for the actor: who gave it back, and then another took it, has lost its draft from sight."""
    return exists().where(ServiceRequest.id == Composition.service_request_id, consults_visible_to(actor))


def _treats(actor: Actor) -> ColumnElement[bool]:
    """The actor treats the note's patient, as a patient of their own establishment."""
    if actor.role not in READERS:
        return false()
    own, theirs, house = aliased(Patient), aliased(Patient), aliased(Organization)
    is_shared = and_(house.sharing_network.is_not(None), house.sharing_network == actor.sharing_network)
    return exists().where(
        theirs.id == Composition.patient_id,
        house.id == theirs.organization_id,
        own.person_id == theirs.person_id,
        own.organization_id == actor.organization_id,
        or_(own.organization_id == theirs.organization_id, is_shared),
        CareRelation.patient_id == own.id,
        CareRelation.practitioner_role_id == actor.role_id,
        CareRelation.ended_at.is_(None),
    )


async def read_note(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> Composition:
    """The note, and the reading of a signed one is recorded. Raises NotFound."""
    note = await note_for(session, actor, note_id)
    if note.status is not CompositionStatus.PRELIMINARY:
        audit.record(session, actor, "note-read", note, patient_id=note.patient_id, consult=note.service_request_id)
    return note


async def read_pdf(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> str:
    """The key of the signed PDF in the object store, its reading recorded. Raises NotFound, for a draft too."""
    note = await read_note(session, actor, note_id)
    if note.pdf_object_key is None:
        raise NotFound
    return note.pdf_object_key
