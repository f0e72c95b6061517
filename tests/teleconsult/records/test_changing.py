"""An entry gets a next version, or is marked as an error; what it said before stays to be read."""

import uuid
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, act_as, transaction
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.patients.care import CareReason, open_care_relation
from teleconsult.records.actions import file_entry
from teleconsult.records.changing import replace_entry, retract_entry, version_of
from teleconsult.records.models import EntryStatus, Origin, RecordEntry
from tests.people import Cast


def weight(kilograms: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Body weight"},
        "valueQuantity": {"value": kilograms, "unit": "kg"},
    }


async def weighed(db: AsyncSession, cast: Cast, kilograms: float = 71.5, **more: Any) -> RecordEntry:
    entry = await file_entry(
        db,
        cast.rural,
        patient_id=cast.patient.id,
        resource=weight(kilograms),
        title="Body weight",
        effective_at=now(),
        **more,
    )
    await act_as(db, cast.rural)
    return entry


async def replaced(db: AsyncSession, actor: Actor, entry: RecordEntry, kilograms: float, **more: Any) -> RecordEntry:
    return await replace_entry(
        db,
        actor,
        entry_id=entry.id,
        resource=weight(kilograms),
        title="Body weight",
        effective_at=entry.effective_at,
        **more,
    )


async def test_a_next_version_leaves_the_first_to_be_read(db: AsyncSession, cast: Cast) -> None:
    entry = await weighed(db, cast)
    changed = await replaced(db, cast.rural, entry, 75.1, version=1)
    assert (changed.version, changed.value, changed.unit, changed.code) == (2, 75.1, "kg", "29463-7")
    assert changed.resource["id"] == str(entry.id)
    before = await version_of(db, cast.rural, entry_id=entry.id, version=1)
    assert before.resource["valueQuantity"]["value"] == 71.5
    with pytest.raises(NotFound):
        await version_of(db, cast.stranger, entry_id=entry.id, version=1)
    with pytest.raises(NotFound):
        await version_of(db, cast.rural, entry_id=entry.id, version=2)
    await act_as(db, SYSTEM)
    actions = await db.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == entry.id))
    assert "entry-changed" in set(actions)


async def test_of_two_who_change_it_the_second_is_told(db: AsyncSession, cast: Cast) -> None:
    entry = await weighed(db, cast)
    await replaced(db, cast.rural, entry, 75.1, version=1)
    with pytest.raises(Conflict):
        await replaced(db, cast.rural, entry, 80, version=1)


async def test_an_error_stays_with_its_reason(db: AsyncSession, cast: Cast) -> None:
    entry = await weighed(db, cast)
    for _ in range(2):
        marked = await retract_entry(db, cast.rural, entry_id=entry.id, reason=" Another patient's weight ")
        assert (marked.status, marked.version) == (EntryStatus.ENTERED_IN_ERROR, 2)
        assert marked.status_reason == "Another patient's weight"
    with pytest.raises(Refused):
        await replaced(db, cast.rural, entry, 75.1)


async def test_who_says_that_it_is_an_error_stands_beside_who_wrote_it(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions, cast.rural) as session:
        entry = await weighed(session, cast)
    async with transaction(sessions, cast.colleague) as session:
        await open_care_relation(session, cast.colleague, patient_id=entry.patient_id, reason=CareReason.CONSULTATION)
        marked = await retract_entry(session, cast.colleague, entry_id=entry.id, reason="Another patient's weight")
        assert (marked.author_name, marked.author_role_id) == (cast.colleague.name, cast.colleague.role_id)
        before = await version_of(session, cast.colleague, entry_id=entry.id, version=1)
        assert (before.author_name, before.author_role_id) == (cast.rural.name, cast.rural.role_id)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
async def test_an_error_wants_a_reason(db: AsyncSession, cast: Cast, reason: str) -> None:
    entry = await weighed(db, cast)
    with pytest.raises(Invalid):
        await retract_entry(db, cast.rural, entry_id=entry.id, reason=reason)


@pytest.mark.parametrize("who", ["colleague", "nurse", "secretary", "specialist", "stranger", "admin"])
async def test_nobody_changes_a_file_who_does_not_treat(db: AsyncSession, cast: Cast, who: str) -> None:
    entry = await weighed(db, cast)
    for act in (
        replaced(db, getattr(cast, who), entry, 80),
        retract_entry(db, getattr(cast, who), entry_id=entry.id, reason="Mine"),
        retract_entry(db, getattr(cast, who), entry_id=uuid.uuid4(), reason="Nobody's"),
    ):
        with pytest.raises(NotFound):
            await act


async def test_what_came_from_a_consult_or_from_elsewhere_is_not_changed_here(db: AsyncSession, cast: Cast) -> None:
    ours = await weighed(db, cast, origin=Origin.CONSULT)
    theirs = await weighed(db, cast, organization_id=cast.specialist.organization_id)
    for entry in (ours, theirs):
        with pytest.raises(Refused):
            await replaced(db, cast.rural, entry, 80)


async def test_an_entry_keeps_its_kind(db: AsyncSession, cast: Cast) -> None:
    entry = await weighed(db, cast)
    with pytest.raises(Invalid):
        await replace_entry(
            db,
            cast.rural,
            entry_id=entry.id,
            resource={"resourceType": "Condition"},
            title="Headache",
            effective_at=now(),
        )


async def test_the_database_lets_nothing_be_overwritten(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        entry = await weighed(session, cast)
    for statement in (
        update(RecordEntry).values(title="Mine"),
        update(RecordEntry).values(resource={}, version=RecordEntry.version + 2),
        text("delete from record_entry"),
        text("update record_version set title = 'Mine'"),
        text("insert into record_version select * from record_version"),
    ):
        async with sessions() as session:
            with pytest.raises(DBAPIError) as caught:
                await session.execute(statement)
        refused = (psycopg.errors.RestrictViolation, psycopg.errors.InsufficientPrivilege)
        assert isinstance(caught.value.orig, refused), str(statement)
    async with transaction(sessions) as session:
        assert (await session.get_one(RecordEntry, entry.id)).title == "Body weight"
