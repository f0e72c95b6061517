"""The FHIR door: references by a condition in a transaction."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.models import IdentifierStatus, PatientIdentifier
from teleconsult.settings import Settings
from tests.people import Cast
from tests.system_steps import let_in, system_program
from tests.web.fhir_client import Program, Resource, program
from tests.web.test_fhir_bundles import bundle, entry, kept, statuses
from tests.web.test_fhir_writing import LAB, created, weight

Client = TestClient[web.Request, web.Application]
INSURER = "urn:oid:2.16.124"


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


@pytest.fixture
async def insured(cast: Cast, sessions: Sessions) -> None:
    """The patient has a number, and had another."""
    async with transaction(sessions) as session:
        for value, status in (("BELR5103", IdentifierStatus.UNVERIFIED), ("OLD1", IdentifierStatus.WITHDRAWN)):
            one = PatientIdentifier(patient_id=cast.patient.id, system=INSURER, value=value, recorded_at=now())
            one.status = status
            session.add(one)


def about(reference: str, **more: object) -> Resource:
    return {**weight("x", **more), "subject": {"reference": reference}}


async def send(rural: Program, *resources: Resource) -> tuple[int, Resource]:
    entries = [entry("POST", one["resourceType"], one) for one in resources]
    answer, done = await rural.ask("POST", "/fhir", bundle("transaction", *entries))
    return answer.status, done


@pytest.mark.usefixtures("insured")
async def test_a_patient_is_named_by_a_number(rural: Program, cast: Cast) -> None:
    local = (await rural.get(f"/fhir/Patient/{cast.patient.id}"))["identifier"][0]
    for condition in (f"{INSURER}|BELR5103", f"{INSURER}|belr 5103", f"{local['system']}|{local['value']}"):
        status, done = await send(rural, about(f"Patient?identifier={condition}"))
        assert (status, statuses(done)) == (200, ["201"]), (condition, done)
        assert done["entry"][0]["resource"]["subject"]["reference"] == f"Patient/{cast.patient.id}"


@pytest.mark.usefixtures("insured")
async def test_entries_are_named_by_a_number(rural: Program, cast: Cast) -> None:
    weighed = await created(rural, weight(cast.patient.id))
    patient = f"Patient?identifier={INSURER}|BELR5103"
    visit = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}}
    visit |= {"subject": {"reference": patient}, "identifier": [{"system": LAB, "value": "V-1"}]}
    status, done = await send(rural, visit)
    encounter = done["entry"][0]["resource"]["id"]
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Weights"},
        "subject": {"reference": patient},
        "encounter": {"reference": f"Encounter?identifier={LAB}|V-1"},
        "result": [{"reference": f"Observation?identifier={LAB}|W-1"}],
        "performer": [{"reference": "Practitioner?identifier=urn:x|1"}],
    }
    status, done = await send(rural, report)
    assert status == 200, done
    found = done["entry"][0]["resource"]
    assert found["encounter"]["reference"] == f"Encounter/{encounter}"
    assert found["result"] == [{"reference": f"Observation/{weighed['id']}"}]
    assert found["performer"] == report["performer"], "what is not kept here stays as it was sent"


@pytest.mark.usefixtures("insured")
async def test_one_has_to_answer(rural: Program, cast: Cast, sessions: Sessions) -> None:
    for _ in range(2):
        await created(rural, weight(cast.patient.id))
    before = await kept(sessions)
    patient = f"Patient/{cast.patient.id}"
    twice = about(patient, derivedFrom=[{"reference": f"Observation?identifier={LAB}|W-1"}])
    for resource, status, code, words in (
        (about(f"Patient?identifier={INSURER}|NOBODY"), 412, "not-found", f"Patient?identifier={INSURER}|NOBODY"),
        (about(f"Patient?identifier={INSURER}|OLD1"), 412, "not-found", "OLD1"),
        (about("Patient?identifier=urn:other|BELR5103"), 412, "not-found", "urn:other"),
        (about(f"Patient?identifier=%25s|{cast.patient.id}"), 412, "not-found", "%25s"),
        (twice, 412, "multiple-matches", f"Observation?identifier={LAB}|W-1"),
        (about("Patient?name=Rose"), 400, "invalid", "identifier="),
        (about("Patient?"), 400, "invalid", "identifier="),
    ):
        found, outcome = await send(rural, about(patient), resource)
        assert (found, outcome["issue"][0]["code"]) == (status, code), outcome
        assert words in outcome["issue"][0]["details"]["text"]
        assert outcome["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert await kept(sessions) == before


async def test_too_many(rural: Program, cast: Cast) -> None:
    many = [{"reference": f"Observation?identifier={LAB}|{number}"} for number in range(501)]
    status, outcome = await send(rural, about(f"Patient/{cast.patient.id}", derivedFrom=many))
    assert (status, outcome["issue"][0]["code"]) == (413, "too-long")


@pytest.mark.usefixtures("insured")
async def test_nobody_elses_patient_answers(client: Client, cast: Cast, sessions: Sessions) -> None:
    stranger = await program(client, sessions, cast.stranger)
    status, outcome = await send(stranger, about(f"Patient?identifier={INSURER}|BELR5103"))
    assert (status, outcome["issue"][0]["code"]) == (412, "not-found")


@pytest.mark.usefixtures("insured")
async def test_several_systems_do_not_mix(rural: Program, cast: Cast) -> None:
    for number in range(3):
        await created(rural, weight(cast.patient.id, identifier=[{"system": f"{LAB}.{number}", "value": str(number)}]))
    sent = about(
        f"Patient?identifier={INSURER}|BELR5103",
        derivedFrom=[{"reference": f"Observation?identifier={LAB}.{number}|{number}"} for number in range(3)],
    )
    status, done = await send(rural, sent)
    assert status == 200, done
    assert len({one["reference"] for one in done["entry"][0]["resource"]["derivedFrom"]}) == 3
    crossed = about(
        f"Patient/{cast.patient.id}",
        derivedFrom=[
            {"reference": f"Observation?identifier={LAB}.0|0"},
            {"reference": f"Observation?identifier={LAB}.0|1"},
        ],
    )
    status, outcome = await send(rural, crossed)
    assert (status, f"{LAB}.0|1" in outcome["issue"][0]["details"]["text"]) == (412, True)


@pytest.mark.usefixtures("insured")
async def test_a_system_names_what_it_may_search(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    registry = await let_in(sessions, cast.rural.organization_id)
    resource = about(f"Patient?identifier={INSURER}|BELR5103")
    for scope, expected in (("system/Observation.c", 403), ("system/Observation.c system/Patient.s", 200)):
        writer = await system_program(client, settings, registry, scope=scope)
        status, done = await send(writer, resource)
        assert status == expected, done
