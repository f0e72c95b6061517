"""The list of images to match costs what one page of it costs, however much waits and however much there is."""

import psycopg
import pytest
from psycopg.rows import TupleRow
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.matching import page_of_waiting
from tests.people import Cast

MANY = """
insert into imaging_study (id, organization_id, patient_id, study_instance_uid, accession_number, description,
    modalities, header_patient_name, header_patient_id, identity_differs, created_at)
select gen_random_uuid(), case when n % 50 = 0 then cast(:house as uuid) else cast(:other as uuid) end,
    case when n % 3 = 0 then null else cast(:patient as uuid) end, '1.2.' || n, '', '', '{CT}', 'Roy', 'A', false,
    now() - n * interval '1 minute'
from generate_series(1, 30000) n
"""


@pytest.mark.parametrize("further", [False, True])
async def test_a_page_is_read_from_its_index(
    cast: Cast, sessions: Sessions, sweeper: psycopg.Connection[TupleRow], further: bool
) -> None:
    houses = {"house": cast.rural.organization_id, "other": cast.stranger.organization_id, "patient": cast.patient.id}
    async with transaction(sessions) as session:
        await session.execute(text(MANY), houses)
    sweeper.execute("analyze imaging_study")
    async with transaction(sessions, cast.nurse) as session:
        after = (await session.scalars(page_of_waiting(cast.nurse, after=None))).all()[-1].id if further else None
        question = page_of_waiting(cast.nurse, after=after).compile(
            dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
        )
        connection = await session.connection()
        plan = "\n".join(line for (line,) in await connection.exec_driver_sql(f"explain {question}"))
    assert "ix_imaging_study_waiting" in plan, plan
    assert "Sort" not in plan, plan
