"""The FHIR door: part of each resource."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from tests import consult_steps
from tests.people import Cast
from tests.web.fhir_client import Program, included, matches, program
from tests.web.test_fhir_writing import created, weight

Client = TestClient[web.Request, web.Application]
STRICT = {"Prefer": "handling=strict"}
TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">71,5 kg</div>'}
REQUIRED = {"resourceType", "id", "meta", "status", "code", "subject"}


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


async def test_the_elements_that_are_wanted(rural: Program, cast: Cast) -> None:
    kept = await created(rural, weight(cast.patient.id, text=TEXT))
    for asked, expected in (
        ("_elements=valueQuantity", REQUIRED | {"valueQuantity"}),
        ("_elements=valueQuantity,identifier", REQUIRED | {"valueQuantity", "identifier"}),
        ("_elements=nothing", REQUIRED),
        ("_summary=text", REQUIRED | {"text"}),
        ("_summary=data", set(kept) - {"text"}),
    ):
        answer, bundle = await rural.ask("GET", f"/fhir/Observation?{asked}", headers=STRICT)
        assert answer.status == 200, bundle
        (found,) = matches(bundle)
        assert set(found) == expected, asked
        assert found["meta"]["tag"][-1]["code"] == "SUBSETTED"
        assert asked in bundle["link"][0]["url"]
    (whole,) = matches(await rural.get("/fhir/Observation?_summary=false"))
    assert whole == kept


async def test_what_comes_along_is_whole(rural: Program, cast: Cast) -> None:
    await created(rural, weight(cast.patient.id))
    bundle = await rural.get("/fhir/Observation?_elements=status&_include=Observation:subject")
    assert all("name" in one and "tag" not in one["meta"] for one in included(bundle))
    assert len(included(bundle)) >= 1


async def test_patients_and_consults_too(rural: Program, cast: Cast, sessions: Sessions) -> None:
    await consult_steps.accepted(cast, sessions)
    (patient,) = matches(await rural.get(f"/fhir/Patient?_id={cast.patient.id}&_elements=birthDate"))
    assert set(patient) == {"resourceType", "id", "meta", "birthDate"}
    (request,) = matches(await rural.get("/fhir/ServiceRequest?_elements=priority"))
    assert set(request) == {"resourceType", "id", "meta", "status", "intent", "subject", "priority"}


async def test_a_part_does_not_replace_the_whole(rural: Program, cast: Cast) -> None:
    kept = await created(rural, weight(cast.patient.id))
    (part,) = matches(await rural.get("/fhir/Observation?_elements=status"))
    answer, outcome = await rural.ask("PUT", f"/fhir/Observation/{kept['id']}", part)
    assert (answer.status, outcome["issue"][0]["code"]) == (422, "business-rule")
    assert outcome["issue"][0]["expression"] == ["Observation.meta.tag"]
    assert await rural.get(f"/fhir/Observation/{kept['id']}") == kept


async def test_other_parts_are_refused(rural: Program, cast: Cast) -> None:
    for asked in ("Observation?_summary=true", "Observation?_elements=a.b", "Observation?_elements=,"):
        answer, _outcome = await rural.ask("GET", f"/fhir/{asked}", headers=STRICT)
        assert answer.status == 400, asked
        answer, bundle = await rural.ask("GET", f"/fhir/{asked}")
        assert (answer.status, "_" in bundle["link"][0]["url"].partition("?")[2]) == (200, False)
    for path in (f"Patient/{cast.patient.id}/$everything",):
        answer, _outcome = await rural.ask("GET", f"/fhir/{path}?_elements=status", headers=STRICT)
        assert answer.status == 400
