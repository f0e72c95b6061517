"""The PDF of a signed note as it is today: the newest revision that is whole."""

import hashlib
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.errors import NotFound
from teleconsult.notes.evidence_models import EvidenceState, Level, NoteEvidence
from teleconsult.notes.models import Composition


@dataclass(frozen=True, slots=True)
class PdfRevision:
    """A whole revision: where it lies, what it is. `size` in bytes, None for notes signed before sizes were kept."""

    object_key: str
    sha256: bytes
    size: int | None
    level: Level
    is_pending: bool
    """Whether a later one is on its way: signed, evidence pending."""
    failure: str = ""
    """What stood in its way at the last attempt: a code of `evidence_faults.Fault`."""
    sha1: bytes | None = None


async def current_pdf(session: AsyncSession, note: Composition) -> PdfRevision:
    """The PDF to show, send and check. `note` was found through the actor. Raises NotFound for a draft."""
    if note.pdf_object_key is None or note.pdf_sha256 is None:
        raise NotFound
    newest = list(
        await session.scalars(
            select(NoteEvidence)
            .where(NoteEvidence.composition_id == note.id)
            .order_by(NoteEvidence.number.desc())
            .limit(20)
        )
    )
    is_pending = any(each.state is EvidenceState.PENDING for each in newest)
    failure = newest[0].failure if newest else ""
    for each in newest:
        if each.state is EvidenceState.COMPLETE and each.object_key is not None and each.sha256 is not None:
            return PdfRevision(each.object_key, each.sha256, each.size, each.level, is_pending, failure, each.sha1)
    return PdfRevision(note.pdf_object_key, note.pdf_sha256, None, Level.B_B, is_pending, failure)


async def current_pdfs(session: AsyncSession, notes: Collection[Composition]) -> dict[uuid.UUID, PdfRevision]:
    """The same of several signed notes, by their ids; drafts have none."""
    signed = {note.id: note for note in notes if note.pdf_object_key is not None and note.pdf_sha256 is not None}
    found = await session.scalars(
        select(NoteEvidence)
        .where(NoteEvidence.composition_id.in_(signed), NoteEvidence.state == EvidenceState.COMPLETE)
        .distinct(NoteEvidence.composition_id)
        .order_by(NoteEvidence.composition_id, NoteEvidence.number.desc())
    )
    newest = {each.composition_id: each for each in found}
    return {id_: _revision(note, newest.get(id_)) for id_, note in signed.items()}


def _revision(note: Composition, newest: NoteEvidence | None) -> PdfRevision:
    if newest is not None and newest.object_key is not None and newest.sha256 is not None:
        return PdfRevision(newest.object_key, newest.sha256, newest.size, newest.level, False, sha1=newest.sha1)
    assert note.pdf_object_key is not None and note.pdf_sha256 is not None, "it is signed"
    return PdfRevision(note.pdf_object_key, note.pdf_sha256, None, Level.B_B, False)


async def keep_first_revision(session: AsyncSession, note: Composition, *, pdf: bytes) -> None:
    """Enter what the signer's key signed, in the signature's own transaction."""
    moment = now()
    session.add(
        NoteEvidence(
            id=uuid.uuid4(),
            composition_id=note.id,
            number=0,
            level=Level.B_B,
            state=EvidenceState.COMPLETE,
            object_key=note.pdf_object_key,
            sha256=note.pdf_sha256,
            sha1=hashlib.sha1(pdf, usedforsecurity=False).digest(),
            size=len(pdf),
            created_at=moment,
            completed_at=moment,
        )
    )
    await session.flush()
