"""A timeline of which only a part is looked for."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.db import act_as
from teleconsult.records.kinds import EntryKind
from teleconsult.records.narrowing import Narrowing, words_query
from tests.file_steps import statements_about_entries, timeline
from tests.people import Cast
from tests.plans import plan_of
from tests.teleconsult.records.test_timeline import START, filed


async def titles(db: AsyncSession, cast: Cast, **only: Any) -> list[str]:
    page = await timeline(db, cast.rural, cast.patient.id, only=Narrowing(**only))
    return [entry.title for entry in page.entries]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("fibrillation", ["Fibrillation auriculaire"]),
        ("FIBRILLATION  auric", ["Fibrillation auriculaire"]),
        ("auric fibrillation", []),  # only the last word may be unfinished
        ("dang", ["Đặng: thuốc chống đông"]),
        ("thuoc chong d", ["Đặng: thuốc chống đông"]),
        ("apixaban", ["Đặng: thuốc chống đông"]),
        ("nothing", []),
        ("", ["Đặng: thuốc chống đông", "Fibrillation auriculaire"]),
        ("' | !()&:* <-> \\", ["Đặng: thuốc chống đông", "Fibrillation auriculaire"]),
        ("x:* | fibrillation", []),
        ("fibrillation" + " fibrillation" * 500, ["Fibrillation auriculaire"]),
    ],
)
async def test_words_are_found_as_they_are_compared(db: AsyncSession, cast: Cast, words: str, found: list[str]) -> None:
    await filed(db, cast, cast.patient, "Fibrillation auriculaire", 1)
    await filed(db, cast, cast.patient_elsewhere, "Đặng: thuốc chống đông", 2, note=[{"text": "Apixaban 5 mg"}])
    assert await titles(db, cast, words=words) == found


def test_a_query_holds_words_and_no_operators() -> None:
    assert words_query("L'Heureux & !(x)") == "l & heureux & x:*"
    assert words_query("\0 -- ") == ""


async def test_period_and_establishment(db: AsyncSession, cast: Cast) -> None:
    await filed(db, cast, cast.patient, "first", 1)
    await filed(db, cast, cast.patient_elsewhere, "second", 2)
    await filed(db, cast, cast.patient, "third", 3)
    day = START + timedelta(days=2)
    assert await titles(db, cast, since=day) == ["third", "second"]
    assert await titles(db, cast, before=day) == ["first"]
    assert await titles(db, cast, since=day, before=day + timedelta(hours=1)) == ["second"]
    assert await titles(db, cast, organization_id=cast.organizations["provincial"].id) == ["second"]
    assert await titles(db, cast, organization_id=uuid.uuid4()) == []
    assert await titles(db, cast, kind=EntryKind.NOTES, since=day) == []


async def test_a_visit_and_what_belongs_to_it(db: AsyncSession, cast: Cast) -> None:
    visit = await filed(db, cast, cast.patient, "visit", 1)
    lab = await filed(db, cast, cast.patient, "lab", 2, resourceType="Observation")
    await filed(db, cast, cast.patient, "another day", 3)
    lab.episode_id, lab.version = visit.id, 2
    await db.flush()
    assert await titles(db, cast, episode_id=visit.id) == ["lab", "visit"]
    assert await titles(db, cast, episode_id=uuid.uuid4()) == []


async def test_narrowed_or_not_the_file_is_read_by_its_index(db: AsyncSession, cast: Cast) -> None:
    entry = await filed(db, cast, cast.patient, "Créatinine", 1, resourceType="Observation")
    await filed(db, cast, cast.patient_elsewhere, "Visite", 2)
    await db.execute(
        text(
            "insert into record_entry (id, patient_id, organization_id, resource_type, status, version, effective_at,"
            " recorded_at, author_name, title, resource, searched) select gen_random_uuid(), patient_id,"
            " organization_id, resource_type, status, 1, effective_at - i * interval '1 hour', recorded_at, 'a', 't',"
            " '{}', 'word ' || i from record_entry, generate_series(1, 4000) i where id = :id"
        ),
        {"id": entry.id},
    )
    await act_as(db, cast.rural)
    async with statements_about_entries(db) as seen:
        for only in (
            Narrowing(words="word 39"),
            Narrowing(since=START - timedelta(days=20), before=START),
            Narrowing(organization_id=cast.patient.organization_id, kind=EntryKind.LABORATORY),
            Narrowing(episode_id=entry.id),
        ):
            await timeline(db, cast.rural, cast.patient.id, only=only)
    assert len(seen) == 4
    for statement, _parameters in seen:
        plan = await plan_of(db, statement)
        assert "Seq Scan on record_entry" not in plan, plan
