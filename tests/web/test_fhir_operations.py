"""The FHIR door: a whole file at once, and who somebody may be."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.models import PatientIdentifier
from teleconsult.records.actions import file_entry
from tests.people import Cast
from tests.web.fhir_client import Program, Resource, matches, program

Client = TestClient[web.Request, web.Application]
MATRICULE = "urn:oid:1.2.250.1.213.1.4.8"


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


async def test_a_whole_file_comes_in_pages(rural: Program, cast: Cast, sessions: Sessions) -> None:
    ids = set()
    async with transaction(sessions) as session:
        for number in range(12):
            entry = await file_entry(
                session,
                SYSTEM,
                patient_id=(cast.patient if number % 2 else cast.patient_elsewhere).id,
                resource={"resourceType": "Observation" if number % 3 else "Condition"},
                title="Entry",
                effective_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number // 3),
            )
            ids.add(str(entry.id))
        foreign = cast.strangers_patient.id
        await file_entry(
            session, SYSTEM, patient_id=foreign, resource={"resourceType": "Condition"}, title="X", effective_at=now()
        )
    path = f"/fhir/Patient/{cast.patient.id}/$everything"
    found = await rural.all(f"{path}?_count=5")
    people = [one["id"] for one in found if one["resourceType"] == "Patient"]
    assert people == [str(cast.patient.id), str(cast.patient_elsewhere.id)]
    entries = [one["id"] for one in found if one["resourceType"] != "Patient"]
    assert (len(entries), set(entries)) == (12, ids)
    assert {one["resourceType"] for one in await rural.all(f"{path}?_type=Condition")} == {"Condition"}
    assert len(await rural.all(f"{path}?_since=2100-01-01&_type=Observation,Condition")) == 0
    assert len(await rural.all(f"{path}?_type=Observation,Condition&start=2026-01-02&end=2026-01-02")) == 3
    async with transaction(sessions) as session:
        acts = await session.execute(
            select(AuditEvent.action, AuditEvent.patient_id).where(AuditEvent.detail["by"].astext == "fhir")
        )
        assert {tuple(one) for one in acts} == {
            ("file-opened", cast.patient.id),
            ("shared-file-read", cast.patient_elsewhere.id),
        }


async def test_a_file_that_is_not_theirs(client: Client, rural: Program, cast: Cast, sessions: Sessions) -> None:
    for id_ in (cast.strangers_patient.id, cast.patient_elsewhere.id, uuid.uuid4(), "x"):
        answer, _outcome = await rural.ask("GET", f"/fhir/Patient/{id_}/$everything")
        assert answer.status == 404
    colleague = await program(client, sessions, cast.colleague)
    answer, _outcome = await colleague.ask("GET", f"/fhir/Patient/{cast.patient.id}/$everything")
    assert answer.status == 403
    answer, _outcome = await rural.ask("GET", f"/fhir/Patient/{cast.patient.id}/$everything?_since=x")
    assert answer.status == 400


def asked(patient: Resource, **more: Any) -> Resource:
    parameters: list[Resource] = [{"name": "resource", "resource": {"resourceType": "Patient", **patient}}]
    if "count" in more:
        parameters.append({"name": "count", "valueInteger": more["count"]})
    if more.get("certain"):
        parameters.append({"name": "onlyCertainMatches", "valueBoolean": True})
    return {"resourceType": "Parameters", "parameter": parameters}


async def test_who_somebody_may_be(rural: Program, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        session.add(PatientIdentifier(patient_id=cast.patient.id, system=MATRICULE, value="251037", recorded_at=now()))
    name = {"name": [{"family": "BELANGER", "given": ["Rose"]}]}
    number = {"identifier": [{"system": MATRICULE, "value": "2 51 037"}]}
    born = {"birthDate": "1951-03-14"}
    scores = []
    for patient, grade in (
        ({**name, **number, **born}, "certain"),
        ({**name, **born}, "probable"),
        ({"name": [{"family": "Rose", "given": ["Bélanger"]}], **born}, "possible"),
        (number, "possible"),
        (born, None),
        ({"name": [{"family": "Autre"}]}, None),
    ):
        answer, bundle = await rural.ask("POST", "/fhir/Patient/$match", asked(patient))
        assert answer.status == 200, bundle
        found = bundle.get("entry", [])
        assert [one["resource"]["id"] for one in found] == ([str(cast.patient.id)] if grade else []), patient
        if grade:
            assert found[0]["search"]["extension"][0]["valueCode"] == grade
            scores.append(found[0]["search"]["score"])
    assert scores[0] == 1.0
    assert scores[0] > scores[1] > scores[2]
    answer, bundle = await rural.ask("POST", "/fhir/Patient/$match", asked({**name, **born}, certain=True))
    assert matches(bundle) == []


async def test_nobody_of_another_house_is_told(client: Client, cast: Cast, sessions: Sessions) -> None:
    stranger = await program(client, sessions, cast.stranger)
    patient = {"name": [{"family": "Bélanger", "given": ["Rose"]}], "birthDate": "1951-03-14"}
    _answer, bundle = await stranger.ask("POST", "/fhir/Patient/$match", asked(patient))
    assert (bundle["total"], "entry" in bundle) == (0, False)
    coordinator = await program(client, sessions, cast.coordinator)
    assert (await coordinator.ask("POST", "/fhir/Patient/$match", asked(patient)))[0].status == 404


async def test_what_names_nobody(rural: Program) -> None:
    for body in (
        {},
        {"resourceType": "Parameters"},
        asked({}),
        asked({"birthDate": "x"}),
        asked({"birthDate": "1951-03-14"}, count=0),
        asked({"birthDate": "1951-03-14"}, count="x"),
    ):
        answer, outcome = await rural.ask("POST", "/fhir/Patient/$match", body)
        assert (answer.status, "expression" in outcome["issue"][0]) == (422, True)
