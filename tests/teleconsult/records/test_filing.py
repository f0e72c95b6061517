"""Filing an entry."""

import uuid
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound
from teleconsult.records.actions import LARGEST, file_entry
from teleconsult.records.models import ResourceType
from tests.people import Cast

ALLERGY = {"resourceType": "AllergyIntolerance", "code": {"text": "Pénicilline"}, "patient": {"reference": "Patient/x"}}


async def test_an_entry_names_its_patient_origin_and_author(db: AsyncSession, cast: Cast) -> None:
    entry = await file_entry(
        db, cast.rural, patient_id=cast.patient.id, resource=ALLERGY, title=" Pénicilline ", effective_at=now()
    )
    assert entry.title == "Pénicilline"
    assert entry.resource_type is ResourceType.ALLERGY_INTOLERANCE
    assert entry.resource["patient"] == {"reference": f"Patient/{cast.patient.id}"}
    assert entry.resource["id"] == str(entry.id)
    assert (entry.organization_id, entry.author_name, entry.author_role_id) == (
        cast.rural.organization_id,
        cast.rural.name,
        cast.rural.role_id,
    )


async def test_what_the_system_files_comes_from_the_patients_establishment(db: AsyncSession, cast: Cast) -> None:
    entry = await file_entry(
        db,
        SYSTEM,
        patient_id=cast.patient.id,
        resource={"resourceType": "Composition"},
        title="Note",
        effective_at=now(),
        author_name="Dr Nguyễn Thị Minh",
    )
    assert entry.organization_id == cast.patient.organization_id
    assert entry.author_name == "Dr Nguyễn Thị Minh"
    assert entry.author_role_id is None


async def test_filing_is_audited(db: AsyncSession, cast: Cast) -> None:
    entry = await file_entry(
        db, cast.rural, patient_id=cast.patient.id, resource=ALLERGY, title="Pénicilline", effective_at=now()
    )
    event = await db.scalar(select(AuditEvent).where(AuditEvent.entity_id == entry.id))
    assert event is not None
    assert (event.action, event.patient_id) == ("entry-filed", cast.patient.id)
    assert "nicilline" not in str(event.detail)


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": "Patient"},
        {"resourceType": ["Observation"]},
        {"resourceType": "Observation", "valueQuantity": {"value": float("nan")}},
        {"resourceType": "Observation", "note": [{"text": "nul \0"}]},
        {"resourceType": "Observation", "note": [{"text": "half a pair \ud800"}]},
        {"resourceType": "Observation", "note": [{"text": "x" * LARGEST}]},
        {"resourceType": "Observation", "note": object()},
    ],
)
async def test_what_no_file_can_hold_is_refused(db: AsyncSession, cast: Cast, resource: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await file_entry(db, cast.rural, patient_id=cast.patient.id, resource=resource, title="x", effective_at=now())


@pytest.mark.parametrize("title", ["", "   ", "x" * 301, "a\0b"])
async def test_a_title_is_a_title(db: AsyncSession, cast: Cast, title: str) -> None:
    with pytest.raises(Invalid):
        await file_entry(db, cast.rural, patient_id=cast.patient.id, resource=ALLERGY, title=title, effective_at=now())


async def test_a_time_without_a_zone_is_a_mistake_of_the_caller(db: AsyncSession, cast: Cast) -> None:
    with pytest.raises(ValueError, match="aware"):
        await file_entry(
            db,
            cast.rural,
            patient_id=cast.patient.id,
            resource=ALLERGY,
            title="x",
            effective_at=datetime(2026, 1, 1),  # noqa: DTZ001  # the naive time is what is tested
        )


async def test_an_unknown_patient_is_not_found(db: AsyncSession, cast: Cast) -> None:
    with pytest.raises(NotFound):
        await file_entry(db, cast.rural, patient_id=uuid.uuid4(), resource=ALLERGY, title="x", effective_at=now())
