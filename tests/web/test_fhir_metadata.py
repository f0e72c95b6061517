"""The CapabilityStatement tells the truth: what it names works, what it does not name does not."""

import uuid
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.records.actions import file_entry
from teleconsult.records.models import ResourceType
from tests import consult_steps
from tests.people import Cast
from tests.web.fhir_client import Program, Resource, matches, program

Client = TestClient[web.Request, web.Application]
VALUES = {"token": "x", "date": "ge2020", "reference": str(uuid.UUID(int=1)), "string": "x"}
STRICT = {"Prefer": "handling=strict"}


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


@pytest.fixture
async def statement(client: Client) -> Resource:
    answer = await client.get("/fhir/metadata")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/fhir+json; charset=utf-8")
    found: Resource = await answer.json(content_type=None)
    return found


def resources(statement: Resource) -> dict[str, Resource]:
    return {one["type"]: one for one in statement["rest"][0]["resource"]}


def interactions(resource: Resource) -> set[str]:
    return {one["code"] for one in resource["interaction"]}


async def test_every_type_of_a_file_is_named(statement: Resource) -> None:
    assert statement["fhirVersion"] == "4.0.1"
    assert {kind.value for kind in ResourceType} | {"Patient", "AuditEvent"} <= set(resources(statement))


async def test_every_search_that_is_named_works(rural: Program, statement: Resource) -> None:
    for kind, resource in resources(statement).items():
        if kind == "AuditEvent":
            continue
        for parameter in resource.get("searchParam", []):
            path = f"/fhir/{kind}?{parameter['name']}={VALUES[parameter['type']]}"
            answer, found = await rural.ask("GET", path, headers=STRICT)
            assert answer.status == 200, (path, found)
            assert parameter["name"] in found["link"][0]["url"]
        for name, values in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
            for value in resource.get(values, []):
                answer, found = await rural.ask("GET", f"/fhir/{kind}?{name}={value}", headers=STRICT)
                assert answer.status == 200, (kind, value, found)


async def test_no_search_that_is_not_named_works(rural: Program, statement: Resource) -> None:
    every = {one["name"] for found in resources(statement).values() for one in found.get("searchParam", [])}
    every |= {"onset", "performer", "_content", "_text", "_has:Observation:patient:code", "_profile"}
    for kind, resource in resources(statement).items():
        if kind == "AuditEvent" or "search-type" not in interactions(resource):
            continue
        unknown = every - {one["name"] for one in resource["searchParam"]}
        query = "&".join(f"{name}=1" for name in unknown)
        answer, outcome = await rural.ask("GET", f"/fhir/{kind}?{query}", headers=STRICT)
        refused = {issue["details"]["text"].rpartition(": ")[0] for issue in outcome["issue"]}
        assert (answer.status, refused) == (400, unknown), kind


async def test_interactions_are_those_that_are_named(
    rural: Program, cast: Cast, sessions: Sessions, statement: Resource
) -> None:
    ids: dict[str, Any] = {"Patient": cast.patient.id}
    async with transaction(sessions) as session:
        for kind in ResourceType:
            entry = await file_entry(
                session,
                SYSTEM,
                patient_id=cast.patient.id,
                resource={"resourceType": kind.value},
                title="Entry",
                effective_at=now(),
            )
            ids[kind.value] = entry.id
    consult = await consult_steps.submitted(cast, sessions, [ids["Condition"]])
    ids["ServiceRequest"] = consult.id
    for kind in ("Task", "Consent"):
        ids[kind] = matches(await rural.get(f"/fhir/{kind}"))[0]["id"]
    assert {*ids, "AuditEvent", "Binary"} == set(resources(statement))
    for kind, id_ in ids.items():
        named = interactions(resources(statement)[kind])
        tries = {
            "read": ("GET", f"/fhir/{kind}/{id_}", None),
            "vread": ("GET", f"/fhir/{kind}/{id_}/_history/1", None),
            "search-type": ("GET", f"/fhir/{kind}", None),
            "create": ("POST", f"/fhir/{kind}", {}),
            "update": ("PUT", f"/fhir/{kind}/{id_}", {}),
            "delete": ("DELETE", f"/fhir/{kind}/{id_}", None),
            "patch": ("PATCH", f"/fhir/{kind}/{id_}", {}),
            "history-instance": ("GET", f"/fhir/{kind}/{id_}/_history", None),
            "history-type": ("GET", f"/fhir/{kind}/_history", None),
        }
        for code, (method, path, body) in tries.items():
            answer, found = await rural.ask(method, path, body)
            assert (answer.status in (200, 422)) is (code in named), (kind, code, answer.status, found)
            if code == "search-type":
                assert [one["id"] for one in matches(found)] == [str(id_)]
    for path in ("/fhir/_history", "/fhir", "/fhir/Basic", "/fhir/Practitioner"):
        answer, outcome = await rural.ask("GET", path)
        assert (answer.status in (404, 405), outcome["resourceType"]) == (True, "OperationOutcome"), path


async def test_operations_are_those_that_are_named(rural: Program, cast: Cast, statement: Resource) -> None:
    named = {one["name"] for one in resources(statement)["Patient"].get("operation", [])}
    answer, _found = await rural.ask("GET", f"/fhir/Patient/{cast.patient.id}/$everything")
    assert (answer.status == 200) is ("everything" in named)
    answer, _found = await rural.ask("POST", "/fhir/Patient/$match", {})
    assert (answer.status == 422) is ("match" in named)
    assert {one["code"] for one in statement["rest"][0]["interaction"]} == {"transaction", "batch"}
    for kind in ("transaction", "batch"):
        answer, _done = await rural.ask("POST", "/fhir", {"resourceType": "Bundle", "type": kind})
        assert answer.status == 200
