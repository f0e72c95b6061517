"""The list out of which entries are chosen: what is chosen always, the rest in parts."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.excerpts.choosing import by_kind, choosable_entries
from teleconsult.records.kinds import EntryKind
from teleconsult.records.models import RecordEntry
from teleconsult.records.narrowing import Narrowing
from tests import consult_steps
from tests.people import Cast

MANY = 450


async def many(cast: Cast, sessions: Sessions) -> list[uuid.UUID]:
    """So many entries, latest first; every tenth is a medicine."""
    moment = now()
    rows = [
        {
            "id": uuid.uuid4(),
            "patient_id": cast.patient.id,
            "organization_id": cast.patient.organization_id,
            "recorded_at": moment,
            "effective_at": moment - timedelta(days=number),
            "author_name": "x",
            "resource_type": "Encounter" if number % 10 else "MedicationStatement",
            "title": f"Entry {number}",
            "searched": f"entry {number}",
            "resource": {},
        }
        for number in range(MANY)
    ]
    async with transaction(sessions) as session:
        await session.execute(insert(RecordEntry), rows)
        ordered = select(RecordEntry.id).order_by(RecordEntry.effective_at.desc())
        return list(await session.scalars(ordered))


async def test_older_entries_are_the_next_part(cast: Cast, sessions: Sessions) -> None:
    ids = await many(cast, sessions)
    async with transaction(sessions) as session:
        first = await choosable_entries(session, cast.rural, patient_id=cast.patient.id)
        second = await choosable_entries(session, cast.rural, patient_id=cast.patient.id, before=first.older)
        third = await choosable_entries(session, cast.rural, patient_id=cast.patient.id, before=second.older)
    parts = [first.others, second.others, third.others]
    assert [len(part) for part in parts] == [200, 200, 50]
    assert [entry.id for part in parts for entry in part] == ids
    assert (third.older, first.total) == (None, MANY)


async def test_what_is_chosen_is_always_there_and_once(cast: Cast, sessions: Sessions) -> None:
    ids = await many(cast, sessions)
    async with transaction(sessions) as session:
        part = await choosable_entries(session, cast.rural, patient_id=cast.patient.id, chosen={ids[0], ids[-1]})
    assert [entry.id for entry in part.chosen] == [ids[0], ids[-1]]
    assert not {ids[0], ids[-1]} & {entry.id for entry in part.others}


async def test_it_is_narrowed_by_words_and_kind_and_period(cast: Cast, sessions: Sessions) -> None:
    ids = await many(cast, sessions)
    async with transaction(sessions) as session:
        for only, expected in (
            (Narrowing(words="entry 449"), [ids[449]]),
            (Narrowing(kind=EntryKind.MEDICINES, before=now() - timedelta(days=435)), [ids[440]]),
            (Narrowing(words="nothing of it"), []),
        ):
            part = await choosable_entries(session, cast.rural, patient_id=cast.patient.id, chosen={ids[3]}, only=only)
            assert [entry.id for entry in part.others] == expected
            assert [entry.id for entry in part.chosen] == [ids[3]], "a search takes nothing away"


async def test_entries_are_grouped_in_reading_order(cast: Cast, sessions: Sessions) -> None:
    problem = await consult_steps.entry(cast, sessions)
    async with transaction(sessions) as session:
        part = await choosable_entries(session, cast.rural, patient_id=cast.patient.id)
    assert {kind: [entry.id for entry in group] for kind, group in by_kind(part.others).items()} == {
        EntryKind.PROBLEMS: [problem.id]
    }


async def test_nobody_else_chooses(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await choosable_entries(session, cast.stranger, patient_id=cast.patient.id)
