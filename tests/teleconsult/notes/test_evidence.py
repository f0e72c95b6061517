"""The PDF of a note as it is today: which revision, and that whole ones stand."""

import uuid

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.errors import NotFound
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.evidence_models import EvidenceState, Level, NoteEvidence
from teleconsult.notes.signing import Signing
from tests import note_steps
from tests.people import Cast


async def test_a_signed_note_has_its_first_revision(cast: Cast, signing: Signing) -> None:
    note = (await note_steps.signed(cast, signing)).note
    async with transaction(signing.sessions, cast.rural) as session:
        pdf = await current_pdf(session, note)
    assert note.pdf_object_key
    assert (pdf.object_key, pdf.sha256, pdf.level) == (note.pdf_object_key, note.pdf_sha256, Level.B_B)
    assert pdf.size == len(await signing.objects.get(note.pdf_object_key))


async def test_a_draft_has_none(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    async with transaction(signing.sessions, cast.specialist) as session:
        with pytest.raises(NotFound):
            await current_pdf(session, draft.note)


async def test_the_newest_whole_one_counts_and_none_is_changed(cast: Cast, signing: Signing) -> None:
    note = (await note_steps.signed(cast, signing)).note
    async with transaction(signing.sessions, SYSTEM) as session:
        await session.execute(
            update(NoteEvidence).where(NoteEvidence.state == EvidenceState.PENDING).values(state=EvidenceState.FAILED)
        )
        for number, state in ((7, EvidenceState.COMPLETE), (8, EvidenceState.PENDING)):
            session.add(
                NoteEvidence(
                    id=uuid.uuid4(),
                    composition_id=note.id,
                    number=number,
                    level=Level.B_LTA,
                    state=state,
                    object_key="k",
                    sha256=b"h",
                    size=3,
                    created_at=now(),
                )
            )
    async with transaction(signing.sessions, cast.specialist) as session:
        pdf = await current_pdf(session, note)
        assert (pdf.object_key, pdf.level, pdf.is_pending) == ("k", Level.B_LTA, True)
    async with transaction(signing.sessions, cast.stranger) as session:
        assert not list(await session.scalars(select(NoteEvidence)))
    for change in ("sha256 = 'x'", "state = 'pending'", "object_key = 'elsewhere'"):
        with pytest.raises(IntegrityError, match="cannot be changed"):
            async with transaction(signing.sessions, SYSTEM) as session:
                await session.execute(text(f"update note_evidence set {change} where number = 7"))
