"""The FHIR door: what a patient agreed to, for who reads the file."""

import uuid

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.consents.confirming import confirm_consent
from teleconsult.consents.models import ConsentBasis
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from tests import consult_steps, glass_steps
from tests.people import Cast
from tests.web.fhir_client import Resource, matches, program

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions) -> ServiceRequest:
    return await consult_steps.consented(cast, sessions, consult_steps.NOBODY_ASKED)


async def test_necessity_and_then_the_patient(
    client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest
) -> None:
    rural, patient = await program(client, sessions, cast.rural), f"Patient/{cast.patient.id}"
    (found,) = matches(await rural.get(f"/fhir/Consent?patient={patient}"))
    assert (found["status"], found["patient"]["reference"]) == ("active", patient)
    assert "performer" not in found
    assert found["policyRule"]["text"].endswith("Found unconscious, alone.")
    provision = found["provision"]
    assert provision["actor"][0]["reference"]["display"] == "CHU de la Capitale"
    assert provision["data"][0]["reference"]["reference"] == f"ServiceRequest/{consult.id}"
    answer, same = await rural.ask("GET", f"/fhir/Consent/{found['id']}")
    assert same == found
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await rural.ask("GET", f"/fhir/Consent/{found['id']}", headers=known))[0].status == 304
    async with transaction(sessions, cast.rural) as session:
        await confirm_consent(session, cast.rural, consult_id=consult.id, basis=ConsentBasis.PATIENT)
    answer, earlier = await rural.ask("GET", f"/fhir/Consent/{found['id']}", headers=known)
    assert (answer.status, earlier["status"]) == (200, "inactive")
    later, first = matches(await rural.get("/fhir/Consent"))
    assert (later["status"], later["performer"]) == ("active", [{"reference": patient}])
    assert first == earlier
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason="He says no.")
    assert (await rural.get(f"/fhir/Consent/{later['id']}"))["provision"]["period"].keys() == {"start", "end"}
    async with transaction(sessions) as session:
        events = await session.scalars(select(AuditEvent).where(AuditEvent.detail["of"].astext == "Consent"))
        assert {(one.action, one.patient_id) for one in events} == {("file-opened", cast.patient.id)}


async def test_nobody_else_reads_it(client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    rural = await program(client, sessions, cast.rural)
    (found,) = matches(await rural.get("/fhir/Consent"))
    for who in (cast.colleague, cast.specialist, cast.coordinator, cast.secretary, cast.stranger):
        someone = await program(client, sessions, who)
        seen = [await someone.ask("GET", f"/fhir/Consent/{one}") for one in (found["id"], uuid.uuid4(), "x")]
        assert {(answer.status, str(outcome)) for answer, outcome in seen} == {(404, str(seen[0][1]))}
        answer, bundle = await someone.ask("GET", "/fhir/Consent")
        assert answer.status == 404 or bundle["total"] == 0
    for method, path in (("POST", "Consent"), ("PUT", f"Consent/{found['id']}")):
        assert (await rural.ask(method, f"/fhir/{path}", found))[0].status in (404, 405)


async def test_elsewhere_it_does_not_say_for_what(
    client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest
) -> None:
    await glass_steps.opened(cast, sessions, actor=cast.oncall)
    oncall = await program(client, sessions, cast.oncall)
    (found,) = matches(await oncall.get("/fhir/Consent"))
    assert not found["provision"].keys() & {"actor", "data"}


async def test_they_are_searched(client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    for _ in range(2):
        await consult_steps.submitted(cast, sessions)
    rural = await program(client, sessions, cast.rural)
    everything: list[Resource] = await rural.all("/fhir/Consent?_count=1")
    assert len({one["id"] for one in everything}) == 3
    for query, count in (
        (f"patient={cast.patient.id}", 3),
        (f"patient:Patient={cast.patient.id}&status=active", 3),
        (f"patient={uuid.uuid4()}", 0),
        ("status=inactive", 0),
        ("status=active,draft", 3),
        ("date=gt2020-01-01&_sort=date", 3),
        ("date=lt2020", 0),
        (f"_id={everything[0]['id']}", 1),
    ):
        assert len(await rural.all(f"/fhir/Consent?{query}")) == count, query
    assert (await rural.get("/fhir/Consent?_summary=count"))["total"] == 3
    for wrong in ("date=yesterday", "status:not=active", "_position=x"):
        assert (await rural.ask("GET", f"/fhir/Consent?{wrong}"))[0].status == 400, wrong
