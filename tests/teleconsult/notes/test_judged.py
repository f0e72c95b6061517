"""A note of every kind, in every form it leaves in: no independent judge objects (`tests.judged_notes`)."""

import asyncio
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from teleconsult.consults.models import ConsultMode
from teleconsult.consults.modes import change_mode
from teleconsult.db import transaction
from teleconsult.delivery.filing import file_owed
from teleconsult.notes.content import Relation
from teleconsult.notes.drafting import open_note, save_draft
from teleconsult.notes.following import begin_addendum, begin_amendment
from teleconsult.notes.models import Composition
from teleconsult.notes.signing import Signing
from tests import consult_steps, judges, meeting_steps, note_steps
from tests.judged_notes import JudgedNotes
from tests.people import Cast
from tests.teleconsult.notes.test_co_signing import co_sign
from tests.teleconsult.notes.test_following import followed

pytestmark = pytest.mark.skipif(not judges.ARE_HERE, reason="no judge is here")


async def test_no_judge_objects_to_any_kind(
    cast: Cast, signing: Signing, tmp_path: Path, sweeper: psycopg.Connection[TupleRow]
) -> None:
    notes = JudgedNotes(tmp_path)
    first = await note_steps.signed(cast, signing)
    await followed(cast, signing, first.note, begin_addendum, "The laboratory confirms it.")
    newer = await followed(cast, signing, first.note, begin_amendment, "No headache: migraine.")
    await note_steps.enrol(signing.sessions, signing.settings, cast.oncall)
    conclusion = await meeting_steps.asked_to_co_sign(cast, signing)
    await co_sign(signing, cast.oncall, conclusion)
    advice = await _advised(cast, signing)
    for note in (first.note, newer, conclusion, advice):
        await file_owed(signing.sessions, note_id=note.id)
    notes.keep(sweeper, signing.settings.data)
    await note_steps.withdraw(signing, cast.specialist, newer)
    await file_owed(signing.sessions, note_id=newer.id)
    notes.keep(sweeper, signing.settings.data)
    assert notes.kinds == {"met", "written", Relation.REPLACES, Relation.APPENDS, "co-signed", "withdrawn"}
    objections = await asyncio.to_thread(notes.objections)
    assert not objections, "\n\n".join(objections)


async def _advised(cast: Cast, signing: Signing) -> Composition:
    """An answer in writing to a question that was asked for one."""
    consult = await consult_steps.accepted(cast, signing.sessions)
    async with transaction(signing.sessions, cast.rural) as session:
        await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.ADVICE)
    async with transaction(signing.sessions, cast.specialist) as session:
        note = await open_note(session, cast.specialist, consult_id=consult.id)
    async with transaction(signing.sessions, cast.specialist) as session:
        note = await save_draft(
            session, cast.specialist, note_id=note.id, version=note.version, sections={"opinion": "Carry on."}
        )
    return await note_steps.sign(signing, cast.specialist, note)
