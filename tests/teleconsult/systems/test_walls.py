"""What a system finds when a query names nobody, and what it may leave behind: row-level security alone."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import joinedload

from migrations.standing import WALLS
from teleconsult.audit import record
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.models import Patient
from teleconsult.records.models import RecordEntry, RecordIdentifier
from teleconsult.systems.admitting import actor_of
from teleconsult.systems.models import FhirClient
from tests.people import Cast
from tests.system_steps import let_in
from tests.teleconsult.test_walls import seen_by
from tests.walled import walled

FOUND = {
    **{"organization": 1, "patient": 1, "patient_identifier": 1, "composition": 1, "delivery": 1},
    **{"note_evidence": 1, "note_retraction": 1, "note_co_signature": 1},
    **{"imaging_study": 1, "imaging_series": 1, "imaging_instance": 1, "imaging_rendition": 1},
}
"""Of the rural centre’s one patient, with the images and the signed note of its consult; never of a file elsewhere."""


@pytest.fixture
async def registry(cast: Cast, sessions: Sessions) -> FhirClient:
    return await let_in(sessions, cast.rural.organization_id)


def acting(client: FhirClient) -> str:
    return f"client:{client.id}"


async def test_it_sees_its_own_houses_files_and_nothing_else(
    cast: Cast, sessions: Sessions, registry: FhirClient
) -> None:
    await walled(cast, sessions)
    async with transaction(sessions) as session:
        own = (await session.scalars(select(RecordEntry).where(RecordEntry.patient_id == cast.patient.id))).all()
        versions = await session.scalar(
            text(
                "select count(*) from record_version v join record_entry e on e.id = v.record_entry_id"
                " where e.patient_id = :id"
            ),
            {"id": cast.patient.id},
        )
    seen = await seen_by(sessions, acting(registry), *WALLS, "consult_note")
    expected = {**FOUND, "record_entry": len(own), "record_version": versions}
    assert {table: count for table, count in seen.items() if count} == {k: v for k, v in expected.items() if v}


async def test_one_that_is_turned_off_or_unknown_sees_nothing(
    cast: Cast, sessions: Sessions, registry: FhirClient
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(FhirClient).values(disabled_at=now()))
    for who in (acting(registry), f"client:{uuid.uuid4()}"):
        assert not any((await seen_by(sessions, who)).values())


def entry(patient: Patient, house: uuid.UUID | None, **more: Any) -> RecordEntry:
    return RecordEntry(
        id=uuid.uuid4(),
        patient_id=patient.id,
        organization_id=house,
        resource_type="Observation",
        effective_at=now(),
        recorded_at=now(),
        author_name="Registry",
        title="Weight",
        resource={},
        **more,
    )


async def test_what_it_writes_is_its_own_houses(cast: Cast, sessions: Sessions, registry: FhirClient) -> None:
    house = cast.rural.organization_id
    async with transaction(sessions) as session:
        whole = await session.get_one(FhirClient, registry.id, options=[joinedload(FhirClient.organization)])
    actor = actor_of(whole, [])
    assert actor.acting == acting(registry)
    kept = entry(cast.patient, house)
    async with transaction(sessions, actor) as session:
        session.add(kept)
        await session.flush()
        session.add(RecordIdentifier(record_entry_id=kept.id, organization_id=house, system="a", value="1"))
        record(session, actor, "entry-filed", kept, patient_id=cast.patient.id)
    for wrong in (
        entry(cast.patient_elsewhere, house),
        entry(cast.patient_elsewhere, cast.patient_elsewhere.organization_id),
        entry(cast.strangers_patient, house),
        entry(cast.patient, cast.specialist.organization_id),
        entry(cast.patient, house, author_role_id=cast.rural.role_id),
        RecordIdentifier(record_entry_id=kept.id, organization_id=cast.admin.organization_id, system="a", value="2"),
        AuditEvent(recorded_at=now(), action="x", organization_id=cast.admin.organization_id, detail={}),
        AuditEvent(recorded_at=now(), action="x", organization_id=house, account_id=cast.rural.account_id, detail={}),
        AuditEvent(
            recorded_at=now(), action="x", organization_id=house, practitioner_role_id=cast.rural.role_id, detail={}
        ),
        FhirClient(organization_id=house, name="Another", keys=[], scope="", created_at=now()),
    ):
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with transaction(sessions, actor) as session:
                session.add(wrong)
    async with transaction(sessions, actor) as session:
        for table in ("patient", "fhir_client", "organization", "patient_identifier"):
            changed = await session.execute(text(f"update {table} set id = id"))
            assert changed.rowcount == 0, table
