"""The FHIR door: consults, as what is asked and the work of answering it."""

import uuid
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.drafting import entries_in
from teleconsult.consults.informing import ask_for_information, give_information
from teleconsult.consults.models import ConsultMode, RequestStatus, ServiceRequest
from teleconsult.consults.modes import change_mode
from teleconsult.consults.redirecting import assign_consult, redirect_consult
from teleconsult.db import Sessions, transaction
from tests import consult_steps
from tests.people import Cast
from tests.web.fhir_client import Resource, included, matches, program

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions) -> ServiceRequest:
    return await consult_steps.accepted(cast, sessions)


async def test_both_sides_read_it(client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    for who in (cast.rural, cast.specialist, cast.coordinator):
        someone = await program(client, sessions, who)
        answer, found = await someone.ask("GET", f"/fhir/ServiceRequest/{consult.id}")
        assert answer.status == 200
        assert (found["status"], found["intent"], found["priority"]) == ("active", "order", "urgent")
        assert found["reasonCode"] == [{"text": consult_steps.QUESTION}]
        assert found["subject"]["reference"] == f"Patient/{cast.patient.id}"
        again, _nothing = await someone.ask(
            "GET", f"/fhir/ServiceRequest/{consult.id}", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert again.status == 304
        (task,) = matches(await someone.get(f"/fhir/Task?based-on=ServiceRequest/{consult.id}"))
        assert (task["status"], task["owner"]["reference"]) == (
            "accepted",
            f"PractitionerRole/{cast.specialist.role_id}",
        )
        assert await someone.get(f"/fhir/Task/{task['id']}") == task
        called = "R.B." if who is cast.coordinator else "BÉLANGER Rose"
        assert (found["subject"]["display"], task["for"]["display"]) == (called, called)
    async with transaction(sessions) as session:
        events = await session.scalars(select(AuditEvent).where(AuditEvent.detail["by"].astext == "fhir"))
        assert {(one.action, one.patient_id, one.entity_id) for one in events} == {
            ("consult-read", cast.patient.id, consult.id)
        }


async def test_each_state_is_told_as_it_is(client: Client, cast: Cast, sessions: Sessions) -> None:
    asked = await consult_steps.submitted(cast, sessions)
    rural = await program(client, sessions, cast.rural)
    async with transaction(sessions, cast.coordinator) as session:
        role_id = cast.specialist.role_id
        await assign_consult(session, cast.coordinator, consult_id=asked.id, role_id=role_id)
        await ask_for_information(session, cast.coordinator, consult_id=asked.id, text="Which dose?")
    found = await rural.get(f"/fhir/ServiceRequest/{asked.id}")
    assert (found["status"], found["category"][0]["coding"][0]["code"]) == ("on-hold", "video")
    (held,) = matches(await rural.get(f"/fhir/Task?based-on=ServiceRequest/{asked.id}"))
    assert (held["status"], held["businessStatus"]["text"]) == ("on-hold", "awaiting-info")
    assert held["restriction"]["recipient"][0]["reference"] == f"PractitionerRole/{role_id}"
    async with transaction(sessions, cast.rural) as session:
        await give_information(session, cast.rural, consult_id=asked.id, text="5 mg")
    async with transaction(sessions, cast.rural) as session:
        await change_mode(session, cast.rural, consult_id=asked.id, mode=ConsultMode.ADVICE)
    async with transaction(sessions, cast.coordinator) as session:
        trauma = cast.trauma.id
        await redirect_consult(session, cast.coordinator, consult_id=asked.id, service_id=trauma, reason="A fracture")
    found = await rural.get(f"/fhir/ServiceRequest/{asked.id}")
    assert (found["status"], found["category"][0]["coding"][0]["code"]) == ("active", "advice")
    tasks = {one["status"]: one for one in matches(await rural.get(f"/fhir/Task?focus=ServiceRequest/{asked.id}"))}
    assert tasks["rejected"]["statusReason"] == {"text": "A fracture"}
    assert tasks["requested"]["owner"]["reference"] == f"HealthcareService/{cast.trauma.id}"


async def test_the_other_side_comes_along(
    client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    rural = await program(client, sessions, cast.rural)
    for by in ("Task:based-on", "Task:focus"):
        bundle = await rural.get(f"/fhir/Task?_include={by}")
        (request,) = included(bundle)
        assert request == await rural.get(f"/fhir/ServiceRequest/{consult.id}")
        assert bundle["total"] == len(matches(bundle)) == 1
        bundle = await rural.get(f"/fhir/ServiceRequest?_revinclude={by}")
        (task,) = included(bundle)
        assert task == await rural.get(f"/fhir/Task/{task['id']}")
        assert {one["id"] for one in matches(bundle)} == {str(consult.id), str(draft.id)}
    coordinator = await program(client, sessions, cast.coordinator)
    (request,) = included(await coordinator.get("/fhir/Task?_include=Task:focus"))
    assert request["subject"]["display"] == "R.B."
    assert "entry" not in await rural.get(f"/fhir/Task?_id={uuid.uuid4()}&_include=Task:focus")


async def test_nobody_else_does(client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    rural = await program(client, sessions, cast.rural)
    (task,) = matches(await rural.get("/fhir/Task"))
    for who in (cast.colleague, cast.oncall, cast.stranger, cast.secretary, cast.admin):
        someone = await program(client, sessions, who)
        for kind, id_ in (("ServiceRequest", consult.id), ("Task", task["id"])):
            seen = [await someone.ask("GET", f"/fhir/{kind}/{one}") for one in (id_, uuid.uuid4(), "x")]
            assert {(answer.status, str(outcome)) for answer, outcome in seen} == {(404, str(seen[0][1]))}
            answer, bundle = await someone.ask("GET", f"/fhir/{kind}")
            assert answer.status == 404 or bundle["total"] == 0


async def test_consults_are_searched(client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest) -> None:
    for _ in range(3):
        await consult_steps.submitted(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    rural = await program(client, sessions, cast.rural)
    wrong = []
    for query, count in (
        ("ServiceRequest", 5),
        (f"ServiceRequest?patient={cast.patient.id}", 5),
        (f"ServiceRequest?subject=Patient/{cast.patient.id}", 5),
        (f"ServiceRequest?patient={cast.strangers_patient.id}", 0),
        ("ServiceRequest?status=draft", 1),
        ("ServiceRequest?status=active,draft", 5),
        ("ServiceRequest?status=nothing", 0),
        ("ServiceRequest?priority=urgent", 4),
        (f"ServiceRequest?_id={consult.id},{draft.id}", 2),
        (f"ServiceRequest?identifier={consult.number}", 1),
        (f"ServiceRequest?identifier=urn:other|{consult.number}", 0),
        ("ServiceRequest?authored=ge2020", 5),
        ("ServiceRequest?authored=lt2020", 0),
        ("ServiceRequest?_lastUpdated=ge2020", 5),
        ("Task", 4),
        ("Task?status=requested", 3),
        ("Task?status=accepted&priority=urgent", 1),
        (f"Task?patient={cast.patient.id}", 4),
        (f"Task?focus={consult.id}", 1),
        ("Task?modified=ge2020&authored-on=ge2020", 4),
    ):
        found = await rural.all(f"/fhir/{query}{'&' if '?' in query else '?'}_count=2")
        total = (await rural.get(f"/fhir/{query}"))["total"]
        if (len({one["id"] for one in found}), total) != (count, count):
            wrong.append((query, len(found), total))
    assert not wrong
    for query in ("ServiceRequest?authored=x", "Task?status=|"):
        assert (await rural.ask("GET", f"/fhir/{query}"))[0].status == 400
    assert (await rural.ask("POST", "/fhir/Task", {}))[0].status == 405


def asked_for(cast: Cast, **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "priority": "urgent",
        "subject": {"reference": f"Patient/{cast.patient.id}"},
        "performer": [{"reference": f"HealthcareService/{cast.neurology.id}"}],
        "reasonCode": [{"text": "Does she need imaging?"}],
        **more,
    }


async def test_a_program_begins_a_request(client: Client, cast: Cast, sessions: Sessions) -> None:
    problem = await consult_steps.entry(cast, sessions)
    rural = await program(client, sessions, cast.rural)
    answer, made = await rural.ask("POST", "/fhir/ServiceRequest", asked_for(cast))
    assert (answer.status, made["status"], made["priority"]) == (201, "draft", "urgent")
    assert made["reasonCode"] == [{"text": "Does she need imaging?"}]
    assert made["performer"][0]["reference"] == f"HealthcareService/{cast.neurology.id}"
    assert await rural.get("/" + answer.headers["Location"].split("/", 3)[3]) == made
    async with transaction(sessions) as session:
        consult = await session.get_one(ServiceRequest, uuid.UUID(made["id"]))
        assert (consult.status, consult.service_id) == (RequestStatus.DRAFT, cast.neurology.id)
        assert entries_in(consult) == (problem.id,), "as on a page of ours, what is usually needed is suggested"
        acts = await session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == consult.id))
        assert set(acts) == {"consult-drafted", "consult-read"}


async def test_what_no_program_asks_for(client: Client, cast: Cast, sessions: Sessions) -> None:
    rural = await program(client, sessions, cast.rural)
    for more, element in (
        ({"status": "active"}, "status"),
        ({"intent": "plan"}, "intent"),
        ({"priority": "soon"}, "priority"),
        ({"subject": {"reference": f"Patient/{cast.strangers_patient.id}"}}, "subject"),
        ({"subject": {"reference": f"Patient/{uuid.uuid4()}"}}, "subject"),
        ({"subject": {"display": "Rose"}}, "subject"),
        ({"performer": [{"reference": f"HealthcareService/{uuid.uuid4()}"}]}, "performer"),
        ({"performer": [{"reference": "Organization/1"}]}, "performer"),
        ({"reasonCode": [{"text": "x" * 5000}]}, "reasonCode"),
        ({"supportingInfo": [{"reference": "Observation/1"}]}, "supportingInfo"),
    ):
        answer, outcome = await rural.ask("POST", "/fhir/ServiceRequest", asked_for(cast, **more))
        assert (answer.status, outcome["issue"][0]["expression"]) == (422, [f"ServiceRequest.{element}"]), more
    for who, status in ((cast.colleague, 403), (cast.stranger, 422), (cast.nurse, 404), (cast.specialist, 404)):
        someone = await program(client, sessions, who)
        assert (await someone.ask("POST", "/fhir/ServiceRequest", asked_for(cast)))[0].status == status
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ServiceRequest)) == 0
