"""Reading a file: the timeline, its pages, the summary, chosen entries."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.errors import Forbidden, NotFound
from teleconsult.patients.models import Patient
from teleconsult.records.actions import file_entry
from teleconsult.records.kinds import EntryKind
from teleconsult.records.models import EntryStatus, RecordEntry
from teleconsult.records.narrowing import Narrowing
from teleconsult.records.queries import Cursor, entries_of
from tests.file_steps import statements_about_entries, summary, timeline
from tests.people import Cast
from tests.plans import plan_of

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def filed(db: AsyncSession, cast: Cast, patient: Patient, title: str, day: int, **resource: Any) -> RecordEntry:
    return await file_entry(
        db,
        cast.rural,
        patient_id=patient.id,
        organization_id=patient.organization_id,
        resource={"resourceType": "Encounter", **resource},
        title=title,
        effective_at=START + timedelta(days=day),
    )


def coded(status: str) -> dict[str, Any]:
    return {"coding": [{"code": status}]}


async def test_all_establishments_make_one_timeline(db: AsyncSession, cast: Cast) -> None:
    await filed(db, cast, cast.patient, "old, here", 1)
    await filed(db, cast, cast.patient_elsewhere, "between, elsewhere", 2)
    await filed(db, cast, cast.patient, "new, here", 3)
    await filed(db, cast, cast.strangers_patient, "somebody else", 4)
    page = await timeline(db, cast.rural, cast.patient.id)
    assert [(entry.title, entry.organization.name) for entry in page.entries] == [
        ("new, here", "Centre de santé de l’Anse"),
        ("between, elsewhere", "Hôpital de la Côte"),
        ("old, here", "Centre de santé de l’Anse"),
    ]
    assert page.older is None


async def test_pages_meet_without_gap_or_repetition(db: AsyncSession, cast: Cast) -> None:
    for number in range(11):  # several at one moment: the id decides
        patient = cast.patient if number % 2 else cast.patient_elsewhere
        await filed(db, cast, patient, str(number), number // 4)
    seen: list[uuid.UUID] = []
    cursor: Cursor | None = None
    for size in (4, 4, 3):
        page = await timeline(db, cast.rural, cast.patient.id, before=cursor, limit=4)
        assert len(page.entries) == size
        seen += [entry.id for entry in page.entries]
        cursor = Cursor.parse(str(page.older)) if page.older else None
    assert cursor is None
    assert len(set(seen)) == 11


async def test_a_page_costs_one_query_beside_the_look_up(db: AsyncSession, cast: Cast) -> None:
    for number in range(5):
        await filed(db, cast, cast.patient, str(number), number)
    await db.flush()
    connection = await db.connection()
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    await timeline(db, cast.rural, cast.patient.id)
    assert len([statement for statement in seen if "record_entry" in statement]) == 1
    assert len(seen) <= 4


async def test_a_kind_is_shown_alone(db: AsyncSession, cast: Cast) -> None:
    await filed(db, cast, cast.patient, "visit", 1)
    await filed(db, cast, cast.patient, "lab", 2, resourceType="Observation")
    await filed(db, cast, cast.patient_elsewhere, "panel", 3, resourceType="DiagnosticReport")
    page = await timeline(db, cast.rural, cast.patient.id, only=Narrowing(kind=EntryKind.LABORATORY))
    assert [entry.title for entry in page.entries] == ["panel", "lab"]
    page = await timeline(db, cast.rural, cast.patient.id, only=Narrowing(kind=EntryKind.NOTES))
    assert page.entries == []


async def test_a_wrong_entry_stays_in_sight(db: AsyncSession, cast: Cast) -> None:
    entry = await filed(db, cast, cast.patient, "wrong", 1, resourceType="Condition", clinicalStatus=coded("active"))
    entry.status, entry.version = EntryStatus.ENTERED_IN_ERROR, entry.version + 1
    await db.flush()
    page = await timeline(db, cast.rural, cast.patient.id)
    assert [shown.status for shown in page.entries] == [EntryStatus.ENTERED_IN_ERROR]
    assert (await summary(db, cast.rural, cast.patient.id)).problems == []


async def test_the_summary_tells_what_stands_once(db: AsyncSession, cast: Cast) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "clinicalStatus": coded("active")}
    await filed(db, cast, cast.patient, "Pénicilline", 1, **allergy)
    await filed(db, cast, cast.patient_elsewhere, "pénicilline", 2, **allergy)
    await filed(db, cast, cast.patient, "Arachide", 3, resourceType="AllergyIntolerance")
    await filed(db, cast, cast.patient, "Iode", 3, resourceType="AllergyIntolerance", clinicalStatus=coded("resolved"))
    await filed(db, cast, cast.patient, "Angine", 4, resourceType="Condition", clinicalStatus=coded("resolved"))
    await filed(db, cast, cast.patient, "FA", 4, resourceType="Condition", clinicalStatus=coded("active"))
    await filed(db, cast, cast.patient, "Apixaban", 5, resourceType="MedicationStatement", status="active")
    await filed(db, cast, cast.patient, "Amoxicilline", 5, resourceType="MedicationStatement", status="completed")
    found = await summary(db, cast.rural, cast.patient.id)
    assert [entry.title for entry in found.allergies] == ["Arachide", "pénicilline"]
    assert [entry.title for entry in found.problems] == ["FA"]
    assert [entry.title for entry in found.medicines] == ["Apixaban"]


async def test_chosen_entries_are_of_this_file_only(db: AsyncSession, cast: Cast) -> None:
    here = await filed(db, cast, cast.patient, "here", 1)
    linked = await filed(db, cast, cast.patient_elsewhere, "linked", 2)
    foreign = await filed(db, cast, cast.strangers_patient, "foreign", 3)
    ids = [here.id, linked.id, foreign.id, uuid.uuid4()]
    chosen = await entries_of(db, cast.rural, cast.patient.id, ids=ids)
    assert [entry.title for entry in chosen] == ["linked", "here"]


async def test_without_a_care_relation_nothing_is_read(db: AsyncSession, cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await timeline(db, cast.colleague, cast.patient.id)
    with pytest.raises(Forbidden):
        await summary(db, cast.colleague, cast.patient.id)
    with pytest.raises(Forbidden):
        await entries_of(db, cast.colleague, cast.patient.id, ids=[])
    for actor in (cast.stranger, cast.specialist, cast.coordinator):
        with pytest.raises(NotFound):
            await timeline(db, actor, cast.patient.id)


@pytest.mark.parametrize(
    "text", ["", "x", "é", "MjAyNg==", "MjAyNi0wMS0wMSAwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA="]
)
def test_an_altered_cursor_leads_nowhere(text: str) -> None:
    with pytest.raises(NotFound):
        Cursor.parse(text)


async def test_the_first_page_reads_the_index_and_no_more(db: AsyncSession, cast: Cast) -> None:
    """With 20,000 entries in the file the planner takes the newest of each establishment from the index."""
    entry = await filed(db, cast, cast.patient, "one", 1)
    await filed(db, cast, cast.patient_elsewhere, "other", 2)
    await db.execute(
        text(
            "insert into record_entry (id, patient_id, organization_id, resource_type, status, version, effective_at,"
            " recorded_at, author_name, title, resource) select gen_random_uuid(), patient_id, organization_id,"
            " resource_type, status, 1, effective_at - i * interval '1 hour', recorded_at, 'a', 't', '{}'"
            " from record_entry, generate_series(1, 20000) i where id = :id"
        ),
        {"id": entry.id},
    )
    async with statements_about_entries(db) as seen:
        await timeline(db, cast.rural, cast.patient.id)
        await timeline(db, cast.rural, cast.patient.id, only=Narrowing(kind=EntryKind.ENCOUNTERS))
        await timeline(db, cast.rural, cast.patient.id, before=Cursor(START, uuid.uuid4()))
    assert len(seen) == 3
    for statement, _parameters in seen:
        plan = await plan_of(db, statement)
        assert "Seq Scan on record_entry" not in plan, plan
