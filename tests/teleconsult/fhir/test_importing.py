"""Bundles of another system, in the shape that Synthea writes: filed whole, once, or refused with a reason."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.fhir.importing import Report, import_bundle
from teleconsult.patients.models import Patient
from teleconsult.records.models import Origin, RecordEntry, ResourceType
from tests.people import Cast

PATIENT, VISIT, WEIGHT = (str(uuid.UUID(int=number)) for number in (1, 2, 3))


def resources() -> list[dict[str, Any]]:
    """A patient, a visit, a weight measured in it, and whom the file does not hold."""
    subject = {"reference": f"urn:uuid:{PATIENT}"}
    return [
        {"resourceType": "Organization", "id": "o", "name": "Elsewhere"},
        {
            "resourceType": "Observation",
            "id": WEIGHT,
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Body weight"},
            "subject": subject,
            "encounter": {"reference": f"urn:uuid:{VISIT}"},
            "effectiveDateTime": "2011-05-02T10:00:00-05:00",
            "valueQuantity": {"value": 71.5, "unit": "kg"},
        },
        {
            "resourceType": "Patient",
            "id": PATIENT,
            "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "S-1"}],
            "name": [
                {"use": "maiden", "family": "Roy"},
                {"use": "official", "family": "Conn188", "given": ["Liz", "M"]},
            ],
            "gender": "female",
            "birthDate": "1960-02-03",
            "address": [{"line": ["1 Quay"], "city": "Boston", "state": "MA"}],
        },
        {
            "resourceType": "Encounter",
            "id": VISIT,
            "status": "finished",
            "class": {"code": "AMB"},
            "type": [{"text": "Check-up"}],
            "subject": subject,
            "serviceProvider": {"reference": "urn:uuid:o"},
            "period": {"start": "2011-05-02T09:00:00-05:00", "end": "2011-05-02T11:00:00-05:00"},
        },
    ]


def bundle(content: list[dict[str, Any]]) -> bytes:
    entries = [{"fullUrl": f"urn:uuid:{one.get('id', '')}", "resource": one} for one in content]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


@pytest.fixture
def importer(cast: Cast) -> Actor:
    return replace(SYSTEM, organization_id=cast.rural.organization_id, name="import")


async def brought(sessions: Sessions, importer: Actor, content: bytes) -> Report:
    report = Report()
    await import_bundle(sessions, importer, content, name="liz.json", report=report)
    return report


async def test_a_file_is_filed_whole(sessions: Sessions, importer: Actor) -> None:
    report = await brought(sessions, importer, bundle(resources()))
    assert (report.files, report.patients, report.filed.total(), report.refused) == (1, 1, 2, [])
    assert report.left_out == {"Organization": 1}
    async with transaction(sessions) as session:
        patient = (await session.scalars(select(Patient).where(Patient.local_number == "S-1"))).one()
        entries = {one.resource_type: one for one in await session.scalars(select(RecordEntry))}
        actions = set(await session.scalars(select(AuditEvent.action)))
    assert (patient.name, patient.organization_id) == ("CONN188 Liz", importer.organization_id)
    weight, visit = entries[ResourceType.OBSERVATION], entries[ResourceType.ENCOUNTER]
    assert (weight.value, weight.unit, weight.origin, weight.episode_id) == (71.5, "kg", Origin.IMPORT, visit.id)
    assert weight.resource["encounter"] == {"reference": f"Encounter/{visit.id}"}
    assert weight.resource["subject"] == {"reference": f"Patient/{patient.id}"}
    assert visit.resource["serviceProvider"] == {"reference": "urn:uuid:o"}, "as it was written"
    assert {"patient-registered", "entry-filed"} <= actions


async def test_the_same_again_adds_nothing(sessions: Sessions, importer: Actor) -> None:
    await brought(sessions, importer, bundle(resources()))
    more = {**resources()[1], "id": str(uuid.UUID(int=9))}
    report = await brought(sessions, importer, bundle([*resources(), more]))
    assert (report.patients, report.filed.total(), report.known) == (0, 1, 2)
    async with transaction(sessions) as session:
        visits = await session.scalars(select(RecordEntry.episode_id).where(RecordEntry.episode_id.is_not(None)))
        assert len(set(visits)) == 1, "what comes later finds the visit that came before"


async def test_what_cannot_be_taken_is_named_and_the_rest_arrives(sessions: Sessions, importer: Actor) -> None:
    wrong = {**resources()[1], "id": "w", "subject": {"reference": "urn:uuid:nobody"}}
    undated = {**resources()[1], "id": "d", "effectiveDateTime": "soon"}
    report = await brought(sessions, importer, bundle([*resources(), wrong, undated]))
    assert report.filed.total() == 2
    assert [(one.file, one.entry, one.kind) for one in report.refused] == [
        ("liz.json", 5, "Observation"),
        ("liz.json", 6, "Observation"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"resourceType": "Patient"}',
        bundle([{**resources()[2], "birthDate": "2999-01-01"}, resources()[1]]),
        bundle([{**resources()[2], "name": []}]),
        bundle([{"resourceType": "Patient"}]),
        bundle([{**resources()[2], "name": [{"family": "a\0b", "given": ["c"]}]}]),
    ],
)
async def test_a_file_that_is_none_leaves_nothing(sessions: Sessions, importer: Actor, content: bytes) -> None:
    report = await brought(sessions, importer, content)
    assert report.files == report.patients == report.filed.total() == 0
    assert [one.entry for one in report.refused] == [0]
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(RecordEntry)) == 0


async def test_a_number_of_somebody_else_is_refused(sessions: Sessions, importer: Actor) -> None:
    await brought(sessions, importer, bundle(resources()))
    other = {**resources()[2], "birthDate": "1970-01-01"}
    assert (await brought(sessions, importer, bundle([other]))).refused


async def test_a_year_of_birth_is_kept_as_one(sessions: Sessions, importer: Actor) -> None:
    await brought(sessions, importer, bundle([{**resources()[2], "birthDate": "1951"}]))
    async with transaction(sessions) as session:
        patient = await session.scalar(select(Patient).order_by(Patient.created_at.desc()).limit(1))
    assert patient is not None and (patient.birth_date, patient.birth_year) == (None, 1951)
