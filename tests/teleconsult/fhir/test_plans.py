"""How the database goes about what the FHIR door asks: by an index, and in as few statements for many as for one."""

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.errors import NotFound
from teleconsult.fhir.asking import Asked
from teleconsult.fhir.binaries import read_binary
from teleconsult.fhir.conditions import Conditions
from teleconsult.fhir.history import read_history
from teleconsult.patients.merging import merges_around
from teleconsult.records.actions import file_entry
from tests.people import Cast
from tests.plans import plan_of

ASKED = Asked(method="GET", segments=(), server="http://x/fhir", naming="http://x/fhir")
LARGE = ("record_entry", "record_version", "record_identifier", "patient", "patient_identifier", "patient_link")


@asynccontextmanager
async def statements(db: AsyncSession) -> AsyncIterator[list[tuple[str, Any]]]:
    """What is asked of the large tables inside the block."""
    connection = await db.connection()
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if statement.startswith("SELECT") and re.search(rf"FROM ({'|'.join(LARGE)})\b", statement):
            seen.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection.sync_connection, "before_cursor_execute", note)


async def check(db: AsyncSession, seen: list[tuple[str, Any]]) -> None:
    """Each finds its rows by an index: without one there would be nothing but to read a table from end to end.

    Reading from end to end is forbidden and made dear besides: how a policy's subquery is gone about (asked for each
    row, or once and hashed) is chosen by cost alone, and what other tests left decides what is cheaper."""
    await db.execute(text("set local enable_seqscan = off"))
    await db.execute(text("set local seq_page_cost = 1000000"))
    for statement, _parameters in seen:
        plan = await plan_of(db, statement)
        first = re.search(rf"(Seq Scan|Index (?:Only )?Scan|Bitmap Heap Scan).* on ({'|'.join(LARGE)})\b.*", plan)
        assert first, plan
        assert "Index Cond" in plan, plan
        assert not re.search(rf"Seq Scan on ({'|'.join(LARGE)})\b", plan), plan


async def test_one_entry_by_its_id(db: AsyncSession, cast: Cast) -> None:
    weight = {"resourceType": "Observation"}
    entry = await file_entry(
        db, cast.rural, patient_id=cast.patient.id, resource=weight, title="Weight", effective_at=now()
    )
    await act_as(db, cast.rural)
    async with statements(db) as seen:
        with pytest.raises(NotFound):
            await read_binary(db, cast.rural, replace(ASKED, segments=("Binary", str(entry.id))))
        history = ("Observation", str(entry.id), "_history")
        await read_history(db, cast.rural, replace(ASKED, segments=history))
    await check(db, seen)


async def test_numbers_and_merges(db: AsyncSession, cast: Cast) -> None:
    await act_as(db, cast.rural)
    for many in (1, 50):
        named = [f"Observation?identifier=urn:{number}|{number}" for number in range(many)]
        people = [f"Patient?identifier=urn:{number}|{number}" for number in range(many)]
        body = [{"reference": one} for one in (*named, *people)]
        async with statements(db) as seen:
            await Conditions.look_up(db, cast.rural, [body], asked=ASKED)
            await merges_around(db, [uuid.uuid4() for _ in range(many)])
        assert len(seen) == 3
        await check(db, seen)
