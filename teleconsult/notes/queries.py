"""Finding notes through the actor. A draft exists for its author alone."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound
from teleconsult.notes.evidence import PdfRevision, current_pdf
from teleconsult.notes.models import Composition, CompositionStatus


async def note_for(session: AsyncSession, actor: Actor, note_id: uuid.UUID, *, lock: bool = False) -> Composition:
    """The note, as far as it exists for this actor. Raises NotFound.

    With `lock` the row stays locked until the transaction ends.
    """
    query = select(Composition).where(Composition.id == note_id, rows.notes(actor))
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


async def read_note(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> Composition:
    """The note, and the reading of a signed one is recorded. Raises NotFound."""
    note = await note_for(session, actor, note_id)
    if note.status is not CompositionStatus.PRELIMINARY:
        audit.record(session, actor, "note-read", note, patient_id=note.patient_id, consult=note.service_request_id)
    return note


async def read_pdf(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> PdfRevision:
    """The signed PDF as it is today, its reading recorded. Raises NotFound, for a draft too."""
    return await current_pdf(session, await read_note(session, actor, note_id))


async def read_signed_notes(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> list[Composition]:
    """The signed notes of a consult that exist for this actor, oldest first, their reading recorded."""
    notes = await session.scalars(
        select(Composition)
        .where(
            Composition.service_request_id == consult_id,
            Composition.status != CompositionStatus.PRELIMINARY,
            rows.notes(actor),
        )
        .order_by(Composition.signed_at)
    )
    found = list(notes)
    for note in found:
        audit.record(session, actor, "note-read", note, patient_id=note.patient_id, consult=consult_id)
    return found
