"""The FHIR door: a patient and the entries of a file, read one by one."""

import uuid
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.access import Purpose
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.merging import merge_patients
from teleconsult.patients.models import IdentifierStatus, PatientIdentifier
from teleconsult.records.actions import file_entry
from teleconsult.records.changing import replace_entry, retract_entry
from teleconsult.records.models import RecordEntry
from tests import glass_steps
from tests.people import Cast, bearer_of
from tests.teleconsult.patients.steps import fresh, registered
from tests.web.fhir_client import Program, program

Client = TestClient[web.Request, web.Application]
WEIGHT: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Poids"},
    "effectiveDateTime": "2026-11-20T08:30:00Z",
    "valueQuantity": {"value": 71.5, "unit": "kg"},
}
MIGRAINE: dict[str, Any] = {
    "resourceType": "Condition",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
    },
    "code": {"text": "Migraine"},
}


async def filed(sessions: Sessions, actor: Actor, patient_id: uuid.UUID, resource: dict[str, Any]) -> RecordEntry:
    async with transaction(sessions) as session:
        return await file_entry(
            session, actor, patient_id=patient_id, resource=resource, title="Entry", effective_at=now()
        )


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


async def test_a_patient_is_read(rural: Program, cast: Cast, sessions: Sessions) -> None:
    answer, patient = await rural.ask("GET", f"/fhir/Patient/{cast.patient.id}")
    assert answer.status == 200
    assert (patient["resourceType"], patient["id"]) == ("Patient", str(cast.patient.id))
    assert patient["name"] == [{"use": "official", "text": "BÉLANGER Rose", "family": "Bélanger", "given": ["Rose"]}]
    assert (patient["birthDate"], patient["gender"]) == ("1951-03-14", "female")
    assert patient["identifier"][0]["value"] == cast.patient.local_number
    assert patient["link"] == [{"other": {"reference": f"Patient/{cast.patient_elsewhere.id}"}, "type": "seealso"}]
    assert answer.headers["ETag"] == f'W/"{patient["meta"]["versionId"]}"'
    again, _nothing = await rural.ask(
        "GET", f"/fhir/Patient/{cast.patient.id}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status == 304
    async with transaction(sessions) as session:
        events = await session.scalars(select(AuditEvent).where(AuditEvent.action == "patient-read"))
        assert [event.patient_id for event in events] == [cast.patient.id] * 2


async def test_who_was_merged_is_not_used_any_more(rural: Program, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        again = await registered(session, cast.rural)
        why = "Registered twice."
        await merge_patients(session, fresh(cast.rural), merged_id=again.id, kept_id=cast.patient.id, reason=why)
    merged = await rural.get(f"/fhir/Patient/{again.id}")
    elsewhere = {"other": {"reference": f"Patient/{cast.patient_elsewhere.id}"}, "type": "seealso"}
    replaced = {"other": {"reference": f"Patient/{cast.patient.id}"}, "type": "replaced-by"}
    assert (merged["active"], merged["link"]) == (False, [replaced, elsewhere])
    kept = await rural.get(f"/fhir/Patient/{cast.patient.id}")
    replaces = {"other": {"reference": f"Patient/{again.id}"}, "type": "replaces"}
    assert (kept["active"], kept["link"]) == (True, [replaces, elsewhere])


async def test_a_number_that_was_withdrawn_is_old(rural: Program, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        for value, status in (("1", IdentifierStatus.UNVERIFIED), ("2", IdentifierStatus.WITHDRAWN)):
            one = PatientIdentifier(patient_id=cast.patient.id, system="urn:x", value=value, recorded_at=now())
            one.status = status
            session.add(one)
    patient = await rural.get(f"/fhir/Patient/{cast.patient.id}")
    assert [(one["value"], one.get("use")) for one in patient["identifier"][1:]] == [("1", None), ("2", "old")]


async def test_the_same_person_elsewhere_is_read_with_the_file(rural: Program, cast: Cast) -> None:
    assert (await rural.get(f"/fhir/Patient/{cast.patient_elsewhere.id}"))["id"] == str(cast.patient_elsewhere.id)


async def test_an_entry_is_read_with_its_version(rural: Program, cast: Cast, sessions: Sessions) -> None:
    entry = await filed(sessions, cast.rural, cast.patient.id, WEIGHT)
    answer, found = await rural.ask("GET", f"/fhir/Observation/{entry.id}")
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Last-Modified"].endswith("GMT")
    assert found["meta"]["versionId"] == "1"
    assert {name: found[name] for name in WEIGHT} == WEIGHT
    assert found["subject"] == {"reference": f"Patient/{cast.patient.id}"}
    async with transaction(sessions, cast.rural) as session:
        changed = {**WEIGHT, "valueQuantity": {"value": 72, "unit": "kg"}}
        await replace_entry(
            session, cast.rural, entry_id=entry.id, resource=changed, title="Weight", effective_at=now()
        )
    assert (await rural.get(f"/fhir/Observation/{entry.id}"))["valueQuantity"]["value"] == 72
    assert (await rural.get(f"/fhir/Observation/{entry.id}/_history/1"))["valueQuantity"]["value"] == 71.5
    assert (await rural.get(f"/fhir/Observation/{entry.id}/_history/2"))["meta"]["versionId"] == "2"
    for version in ("0", "3", "x", "9" * 30):
        missing, _outcome = await rural.ask("GET", f"/fhir/Observation/{entry.id}/_history/{version}")
        assert missing.status == 404


async def test_what_was_an_error_says_so(rural: Program, cast: Cast, sessions: Sessions) -> None:
    weight = await filed(sessions, cast.rural, cast.patient.id, WEIGHT)
    migraine = await filed(sessions, cast.rural, cast.patient.id, MIGRAINE)
    async with transaction(sessions, cast.rural) as session:
        for entry in (weight, migraine):
            await retract_entry(session, cast.rural, entry_id=entry.id, reason="The wrong patient.")
    assert (await rural.get(f"/fhir/Observation/{weight.id}"))["status"] == "entered-in-error"
    assert (await rural.get(f"/fhir/Observation/{weight.id}/_history/1"))["status"] == "final"
    condition = await rural.get(f"/fhir/Condition/{migraine.id}")
    assert condition["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in condition


async def test_unknown_and_foreign_look_alike(rural: Program, cast: Cast, sessions: Sessions) -> None:
    foreign = await filed(sessions, cast.stranger, cast.strangers_patient.id, WEIGHT)
    own = await filed(sessions, cast.rural, cast.patient.id, WEIGHT)
    nobody = uuid.uuid4()
    for kind, ids in (
        ("Patient", (cast.strangers_patient.id, nobody, "x", "a%00", "%252e")),
        ("Observation", (foreign.id, nobody, "x", "1" * 300)),
        ("Condition", (own.id, nobody)),
    ):
        answers = [await rural.ask("GET", f"/fhir/{kind}/{id_}") for id_ in ids]
        seen = {(answer.status, str(outcome)) for answer, outcome in answers if answer.status != 400}
        assert len(seen) == 1
        ((status, outcome),) = seen
        assert (status, "not-found" in outcome) == (404, True)


async def test_who_watches_over_a_file_reads_of_the_attempt(client: Client, cast: Cast, sessions: Sessions) -> None:
    stranger = await program(client, sessions, cast.stranger)
    await stranger.ask("GET", f"/fhir/Patient/{cast.patient.id}")
    await stranger.ask("GET", f"/fhir/Observation?patient={cast.patient.id}")
    async with transaction(sessions) as session:
        denied = await session.scalars(select(AuditEvent).where(AuditEvent.outcome == "denied"))
        assert [event.patient_id for event in denied] == [cast.patient.id] * 2


async def test_nobody_reads_a_file_without_treating(client: Client, cast: Cast, sessions: Sessions) -> None:
    entry = await filed(sessions, cast.rural, cast.patient.id, WEIGHT)
    for who, status in ((cast.colleague, 404), (cast.secretary, 404), (cast.specialist, 404), (cast.stranger, 404)):
        someone = await program(client, sessions, who)
        answer, outcome = await someone.ask("GET", f"/fhir/Observation/{entry.id}")
        assert (answer.status, outcome["resourceType"]) == (status, "OperationOutcome")
    nobody = await program(client, sessions, None)
    answer, outcome = await nobody.ask("GET", f"/fhir/Observation/{entry.id}")
    assert (answer.status, outcome["issue"][0]["code"]) == (401, "login")


@pytest.mark.parametrize(("purpose", "status"), [(Purpose.FILES, 200), (Purpose.CONSULTS, 404), (Purpose.AUDIT, 404)])
async def test_a_token_needs_the_purpose(
    client: Client, cast: Cast, sessions: Sessions, purpose: Purpose, status: int
) -> None:
    async with transaction(sessions) as session:
        someone = Program(client, await bearer_of(session, cast.rural, purpose))
    answer, _resource = await someone.ask("GET", f"/fhir/Patient/{cast.patient.id}")
    assert answer.status == status


async def test_each_establishment_finds_who_read(rural: Program, cast: Cast, sessions: Sessions) -> None:
    entry = await filed(sessions, SYSTEM, cast.patient_elsewhere.id, WEIGHT)
    await rural.get(f"/fhir/Observation/{entry.id}")
    async with transaction(sessions) as session:
        event = await session.scalar(select(AuditEvent).where(AuditEvent.action == "shared-file-read"))
        assert event is not None
        assert (event.patient_id, event.entity_id) == (cast.patient_elsewhere.id, entry.id)


async def test_only_json_is_spoken(rural: Program, cast: Cast) -> None:
    path = f"/fhir/Patient/{cast.patient.id}"
    for asked, accept in ((path, "application/fhir+xml"), (f"{path}?_format=xml", "*/*")):
        answer, outcome = await rural.ask("GET", asked, headers={"Accept": accept})
        assert (answer.status, outcome["resourceType"]) == (406, "OperationOutcome")
    assert (await rural.get(f"{path}?_format=json"))["resourceType"] == "Patient"


async def test_what_is_not_offered(rural: Program, cast: Cast, sessions: Sessions) -> None:
    entry = await filed(sessions, cast.rural, cast.patient.id, WEIGHT)
    for method, path, status in (
        ("DELETE", f"/fhir/Observation/{entry.id}", 405),
        ("GET", "/fhir/Basic/1", 404),
        ("GET", "/fhir/nothing", 404),
    ):
        answer, outcome = await rural.ask(method, path)
        assert (answer.status, outcome["resourceType"]) == (status, "OperationOutcome")


async def test_a_file_opened_in_an_emergency_is_only_read(client: Client, cast: Cast, sessions: Sessions) -> None:
    entry = await filed(sessions, cast.rural, cast.patient.id, WEIGHT)
    specialist = await program(client, sessions, cast.specialist)
    path = f"/fhir/Observation/{entry.id}"
    assert (await specialist.ask("GET", path))[0].status == 404
    await glass_steps.opened(cast, sessions)
    found = await specialist.get(path)
    assert (await specialist.get(f"/fhir/Patient/{cast.patient.id}"))["id"] == str(cast.patient.id)
    assert (await specialist.get(f"/fhir/Observation?patient={cast.patient.id}"))["total"] == 1
    assert (await specialist.ask("PUT", path, found))[0].status in (403, 404, 422)
    assert (await specialist.ask("POST", "/fhir/Observation", found))[0].status in (403, 422)
    async with transaction(sessions) as session:
        events = await session.scalars(
            select(AuditEvent).where(AuditEvent.practitioner_role_id == cast.specialist.role_id)
        )
        reads = [event for event in events if event.action in ("file-opened", "shared-file-read")]
        assert reads
        assert all(event.detail["without_relation"] is True for event in reads)
    assert (await specialist.get(path))["meta"]["versionId"] == "1"
