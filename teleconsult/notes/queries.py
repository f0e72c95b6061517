"""Finding notes through the actor. A draft exists for its author alone."""

import uuid
from typing import Final

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound, Refused
from teleconsult.notes.evidence import PdfRevision, current_pdf
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.versions import retraction_of


async def note_for(session: AsyncSession, actor: Actor, note_id: uuid.UUID, *, lock: bool = False) -> Composition:
    """The note, as far as it exists for this actor. Raises NotFound.

    With `lock` the row stays locked until the transaction ends.
    """
    return await _found(session, actor, note_id, _LOCKED if lock else _NOTE)


async def draft_for(session: AsyncSession, actor: Actor, note_id: uuid.UUID, *, lock: bool = False) -> Composition:
    """The actor's own note, signed or not. Raises NotFound for anybody else's."""
    return await _found(session, actor, note_id, _OWN_LOCKED if lock else _OWN)


def _any(actor: Actor) -> Select[Composition]:
    return select(Composition).where(Composition.id == bindparam("note_id"), rows.notes(actor))


def _own(actor: Actor) -> Select[Composition]:
    return select(Composition).where(Composition.id == bindparam("note_id"), rows.written_notes(actor))


def _locked(question: Select[Composition]) -> Select[Composition]:
    return question.with_for_update(of=Composition).execution_options(populate_existing=True)


_NOTE: Final = Kept(_any)
_LOCKED: Final = Kept(lambda actor: _locked(_any(actor)))
_OWN: Final = Kept(_own)
_OWN_LOCKED: Final = Kept(lambda actor: _locked(_own(actor)))


async def _found(session: AsyncSession, actor: Actor, note_id: uuid.UUID, which: Kept[Composition]) -> Composition:
    question, ids = which.asked_by(actor)
    note = await session.scalar(question, {**ids, "note_id": note_id})
    if note is None:
        raise NotFound
    return note


def refuse_signed(note: Composition) -> None:
    """Raise Refused unless the note is a draft still."""
    if note.status is not CompositionStatus.PRELIMINARY:
        raise Refused("This note is already signed.")


async def own_draft(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> Composition | None:
    """What the actor writes about this consult and has not signed; None where that is nothing."""
    return await session.scalar(
        select(Composition).where(
            Composition.service_request_id == consult_id,
            Composition.status == CompositionStatus.PRELIMINARY,
            rows.written_notes(actor),
        )
    )


async def read_note(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> Composition:
    """The note, and the reading of a signed one is recorded. Raises NotFound."""
    note = await note_for(session, actor, note_id)
    if note.status is not CompositionStatus.PRELIMINARY:
        audit.record(session, actor, "note-read", note, patient_id=note.patient_id, consult=note.service_request_id)
    return note


async def read_legible_note(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> Composition:
    """The note to read what was signed, its reading recorded. Raises NotFound, and Refused for a withdrawn one, which
    its author alone reads still.
    """
    note = await read_note(session, actor, note_id)
    if note.author_role_id != actor.role_id and await retraction_of(session, note) is not None:
        raise Refused("This note was withdrawn: do not rely on it.")
    return note


async def read_pdf(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> PdfRevision:
    """The signed PDF as it is today, its reading recorded. Raises NotFound, for a draft too, and Refused."""
    return await current_pdf(session, await read_legible_note(session, actor, note_id))


async def read_bundle(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> tuple[str, str]:
    """Where the signed FHIR document lies in the object store, and its author's signature. Raises as `read_pdf`;
    NotFound also for a note that was signed before there were such documents.
    """
    note = await read_legible_note(session, actor, note_id)
    if note.bundle_object_key is None or note.bundle_jws is None:
        raise NotFound
    return note.bundle_object_key, note.bundle_jws


async def read_withdrawn_pdf(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> str:
    """Where the PDF of a withdrawn note lies in the object store: for who guards privacy at either establishment.

    Recorded. Raises NotFound for anybody else, and for a note that stands.
    """
    told = func.withdrawn_note(note_id).table_valued("patient_id", "consult", "pdf_object_key")
    found = (await session.execute(select(told.c.patient_id, told.c.consult, told.c.pdf_object_key))).one_or_none()
    if found is None:
        raise NotFound
    audit.record(
        session,
        actor,
        "withdrawn-note-read",
        Composition(id=note_id),
        patient_id=found.patient_id,
        consult=found.consult,
    )
    key: str = found.pdf_object_key
    return key


async def read_signed_notes(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> list[Composition]:
    """The signed notes of a consult that this actor may read, oldest first, their reading recorded.

    Those that were withdrawn are left out, but for their author.
    """
    notes = await session.scalars(
        select(Composition)
        .where(
            Composition.service_request_id == consult_id,
            Composition.status != CompositionStatus.PRELIMINARY,
            rows.legible_notes(actor),
        )
        .order_by(Composition.signed_at)
    )
    found = list(notes)
    for note in found:
        audit.record(session, actor, "note-read", note, patient_id=note.patient_id, consult=consult_id)
    return found
