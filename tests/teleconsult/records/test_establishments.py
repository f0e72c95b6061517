"""Who wrote in a file."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.db import act_as
from teleconsult.patients.queries import file_of
from teleconsult.records.actions import file_entry
from teleconsult.records.establishments import establishments_in
from tests.file_steps import statements_about_entries
from tests.people import Cast
from tests.teleconsult.records.test_timeline import START, filed

HERE, ELSEWHERE = "Centre de santé de l’Anse", "Hôpital de la Côte"


async def names(db: AsyncSession, cast: Cast) -> list[str]:
    await db.flush()
    file = await file_of(db, cast.rural, cast.patient.id)
    return [house.name for house in await establishments_in(db, file)]


async def test_everyone_who_wrote_is_named_whether_or_not_they_know_the_patient(db: AsyncSession, cast: Cast) -> None:
    assert await names(db, cast) == []
    await filed(db, cast, cast.patient, "here", 1)
    await filed(db, cast, cast.patient, "here again", 2)
    await filed(db, cast, cast.patient_elsewhere, "elsewhere", 2)
    await filed(db, cast, cast.strangers_patient, "somebody else", 2)
    assert await names(db, cast) == [HERE, ELSEWHERE]
    await file_entry(
        db,
        cast.specialist,
        patient_id=cast.patient.id,
        resource={"resourceType": "Composition"},
        title="Advice",
        effective_at=START,
    )
    assert await names(db, cast) == sorted([HERE, ELSEWHERE, cast.organizations["tertiary"].name])


async def test_what_is_not_listed_names_nobody(db: AsyncSession, cast: Cast) -> None:
    await filed(db, cast, cast.patient, "a device", 1, resourceType="Device")
    assert await names(db, cast) == []


async def test_a_large_file_costs_no_more(db: AsyncSession, cast: Cast) -> None:
    await filed(db, cast, cast.patient, "here", 1)
    await filed(db, cast, cast.patient_elsewhere, "elsewhere", 2)
    await db.execute(
        text(
            "insert into record_entry (id, patient_id, organization_id, resource_type, status, version, effective_at,"
            " recorded_at, author_name, title, resource) select gen_random_uuid(), patient_id, organization_id,"
            " resource_type, 'current', 1, effective_at, now(), 'Dr', title, resource"
            " from record_entry, generate_series(1, 5000)"
        )
    )
    file = await file_of(db, cast.rural, cast.patient.id)
    await act_as(db, cast.rural)
    async with statements_about_entries(db) as asked:
        assert len(await establishments_in(db, file)) == 2
    [(statement, parameters)] = asked
    connection = await db.connection()
    rows = await connection.exec_driver_sql(f"explain (analyze, buffers off, timing off) {statement}", parameters)
    plan = "\n".join(row[0] for row in rows)
    assert "ix_record_entry_organization" in plan and "Seq Scan on record_entry" not in plan, plan
