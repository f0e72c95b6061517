"""The FHIR door: creating and updating entries of a file."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.records.actions import file_entry
from teleconsult.records.models import Origin, RecordEntry
from tests.people import Cast
from tests.web.fhir_client import Program, Resource, matches, program

Client = TestClient[web.Request, web.Application]
LAB = "urn:oid:1.2.3.4"


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


def weight(patient_id: object, **more: Any) -> Resource:
    """A weight, as a laboratory would send it."""
    return {
        "resourceType": "Observation",
        "meta": {"versionId": "7", "source": "urn:lab"},
        "identifier": [{"system": LAB, "value": "W-1"}],
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Poids"},
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": "2026-11-20T08:30:00+01:00",
        "valueQuantity": {"value": 71.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        **more,
    }


async def created(rural: Program, resource: Resource) -> Resource:
    answer, kept = await rural.ask("POST", f"/fhir/{resource['resourceType']}", resource)
    assert answer.status == 201, kept
    return kept


async def test_what_is_created_is_read(rural: Program, cast: Cast, sessions: Sessions) -> None:
    answer, kept = await rural.ask("POST", "/fhir/Observation", weight(cast.patient.id))
    assert answer.status == 201
    path = answer.headers["Location"].split("/", 3)[3]
    assert path == f"fhir/Observation/{kept['id']}/_history/1"
    assert answer.headers["ETag"] == 'W/"1"'
    assert await rural.get(f"/{path}") == kept
    sent = weight(cast.patient.id)
    assert {name: kept[name] for name in sent if name != "meta"} == {k: v for k, v in sent.items() if k != "meta"}
    assert (kept["meta"]["versionId"], kept["meta"]["source"]) == ("1", "urn:lab")
    async with transaction(sessions) as session:
        entry = await session.get_one(RecordEntry, uuid.UUID(kept["id"]))
        assert (entry.origin, entry.source, entry.title) == (Origin.FHIR, "urn:lab", "Poids")
        assert entry.effective_at.isoformat() == "2026-11-20T07:30:00+00:00"
        acts = await session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == entry.id))
        assert sorted(acts) == ["entry-filed", "file-opened"]


async def test_as_much_comes_back_as_is_wanted(rural: Program, cast: Cast) -> None:
    for wanted, expected in (("minimal", None), ("representation", "Observation"), ("OperationOutcome",) * 2):
        answer, kept = await rural.ask(
            "POST", "/fhir/Observation", weight(cast.patient.id), headers={"Prefer": f"return={wanted}"}
        )
        assert (answer.status, kept.get("resourceType")) == (201, expected)


async def test_who_is_answered_with_what_stands_has_read_it(rural: Program, cast: Cast, sessions: Sessions) -> None:
    async def acts() -> list[str]:
        async with transaction(sessions) as session:
            found = select(AuditEvent.action).where(AuditEvent.entity_id == uuid.UUID(kept["id"]))
            return sorted(await session.scalars(found))

    kept = await created(rural, weight(cast.patient.id))
    condition = {"If-None-Exist": f"identifier={LAB}|W-1"}
    answer, known = await rural.ask("POST", "/fhir/Observation", weight(cast.patient.id), headers=condition)
    assert (answer.status, known) == (200, kept)
    assert await acts() == ["entry-filed", "file-opened"]
    for times in (1, 2):
        answer, _known = await rural.ask(
            "PUT", f"/fhir/Observation/{kept['id']}", {**kept, "status": "entered-in-error"}
        )
        assert answer.status == 200
        assert await acts() == ["entry-filed", "entry-retracted", *["file-opened"] * times]


async def test_what_exists_is_not_created_twice(rural: Program, cast: Cast, sessions: Sessions) -> None:
    condition = {"If-None-Exist": f"identifier={LAB}|W-1"}
    answers = await asyncio.gather(
        *(rural.ask("POST", "/fhir/Observation", weight(cast.patient.id), headers=condition) for _ in range(4))
    )
    assert sorted(answer.status for answer, _kept in answers) == [200, 200, 200, 201]
    assert len({kept["id"] for _answer, kept in answers}) == 1
    await created(rural, weight(cast.patient.id))
    answer, outcome = await rural.ask("POST", "/fhir/Observation", weight(cast.patient.id), headers=condition)
    assert (answer.status, outcome["issue"][0]["code"]) == (412, "multiple-matches")
    for bad in ("identifier=W-1", "code=1", "identifier=a|b&status=final", "x"):
        answer, _outcome = await rural.ask(
            "POST", "/fhir/Observation", weight(cast.patient.id), headers={"If-None-Exist": bad}
        )
        assert answer.status == 400
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(RecordEntry)) == 2


async def test_an_update_is_the_next_version(rural: Program, cast: Cast) -> None:
    kept = await created(rural, weight(cast.patient.id))
    path = f"/fhir/Observation/{kept['id']}"
    heavier = {**kept, "valueQuantity": {"value": 72, "unit": "kg"}}
    answer, changed = await rural.ask("PUT", path, heavier, headers={"If-Match": 'W/"1"'})
    assert (answer.status, answer.headers["ETag"], changed["valueQuantity"]["value"]) == (200, 'W/"2"', 72)
    stale, outcome = await rural.ask("PUT", path, heavier, headers={"If-Match": 'W/"1"'})
    assert (stale.status, outcome["issue"][0]["code"]) == (412, "conflict")
    for bad, status in (("x", 400), ('W/"x"', 412)):
        answer, _outcome = await rural.ask("PUT", path, heavier, headers={"If-Match": bad})
        assert answer.status == status
    assert (await rural.ask("PUT", path, heavier))[0].status == 200
    assert (await rural.get(f"{path}/_history/1"))["valueQuantity"]["value"] == 71.5


async def test_of_two_updates_at_once_one_is_stale(rural: Program, cast: Cast) -> None:
    kept = await created(rural, weight(cast.patient.id))
    answers = await asyncio.gather(
        *(rural.ask("PUT", f"/fhir/Observation/{kept['id']}", kept, headers={"If-Match": 'W/"1"'}) for _ in range(3))
    )
    assert sorted(answer.status for answer, _kept in answers) == [200, 412, 412]


async def test_an_update_under_a_condition(rural: Program, cast: Cast) -> None:
    path = f"/fhir/Observation?identifier={LAB}|W-1"
    first, kept = await rural.ask("PUT", path, weight(cast.patient.id))
    second, changed = await rural.ask("PUT", path, weight(cast.patient.id, status="amended"))
    assert (first.status, second.status, changed["id"], changed["status"]) == (201, 200, kept["id"], "amended")
    await created(rural, weight(cast.patient.id))
    assert (await rural.ask("PUT", path, weight(cast.patient.id)))[0].status == 412


async def test_a_program_marks_an_error(rural: Program, cast: Cast) -> None:
    kept = await created(rural, weight(cast.patient.id))
    path = f"/fhir/Observation/{kept['id']}"
    answer, marked = await rural.ask("PUT", path, {**kept, "status": "entered-in-error"})
    assert (answer.status, marked["status"], marked["meta"]["versionId"]) == (200, "entered-in-error", "2")
    assert (await rural.ask("PUT", path, {**kept, "status": "entered-in-error"}))[0].status == 200
    answer, outcome = await rural.ask("PUT", path, kept)
    assert (answer.status, outcome["issue"][0]["code"]) == (409, "conflict")


async def test_an_encounter_is_of_the_same_file(rural: Program, cast: Cast, sessions: Sessions) -> None:
    stay = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{cast.patient.id}"},
        "period": {"start": "2026-11-20T08:00:00Z"},
    }
    visit = await created(rural, stay)
    within = {"encounter": {"reference": f"Encounter/{visit['id']}"}}
    kept = await created(rural, weight(cast.patient.id, **within))
    found = await rural.get(f"/fhir/Observation?encounter={visit['id']}")
    assert [one["id"] for one in matches(found)] == [kept["id"]]
    async with transaction(sessions) as session:
        foreign = await file_entry(
            session, SYSTEM, patient_id=cast.strangers_patient.id, resource=stay, title="Stay", effective_at=now()
        )
    outcomes = set()
    for reference in (f"Encounter/{foreign.id}", f"Encounter/{uuid.uuid4()}", f"Encounter/{kept['id']}"):
        answer, outcome = await rural.ask(
            "POST", "/fhir/Observation", weight(cast.patient.id, encounter={"reference": reference})
        )
        assert (answer.status, outcome["issue"][0]["expression"]) == (422, ["Observation.encounter"])
        outcomes.add(str(outcome))
    assert len(outcomes) == 1


async def test_nobody_writes_into_a_file_that_is_not_theirs(
    client: Client, rural: Program, cast: Cast, sessions: Sessions
) -> None:
    kept = await created(rural, weight(cast.patient.id))
    outcomes = set()
    for patient_id in (cast.strangers_patient.id, cast.patient_elsewhere.id, uuid.uuid4()):
        answer, outcome = await rural.ask("POST", "/fhir/Observation", weight(patient_id))
        assert (answer.status, outcome["issue"][0]["expression"]) == (422, ["Observation.subject"])
        outcomes.add(str(outcome))
    assert len(outcomes) == 1
    for who, created_status, updated in (
        (cast.colleague, 403, 404),
        (cast.stranger, 422, 404),
        (cast.secretary, 404, 404),
        (cast.coordinator, 404, 404),
    ):
        someone = await program(client, sessions, who)
        answer, _outcome = await someone.ask("POST", "/fhir/Observation", weight(cast.patient.id))
        assert answer.status == created_status
        answer, _outcome = await someone.ask("PUT", f"/fhir/Observation/{kept['id']}", kept)
        assert answer.status == updated
    answer, _outcome = await rural.ask("PUT", f"/fhir/Observation/{uuid.uuid4()}", kept)
    assert answer.status == 404
    moved = {**kept, "subject": {"reference": f"Patient/{cast.patient_elsewhere.id}"}}
    answer, outcome = await rural.ask("PUT", f"/fhir/Observation/{kept['id']}", moved)
    assert (answer.status, outcome["issue"][0]["expression"]) == (422, ["Observation.subject"])


async def test_what_cannot_be_taken_says_where(rural: Program, cast: Cast) -> None:
    good = weight(cast.patient.id)
    deep: Any = "x"
    for _ in range(60):
        deep = {"extension": [deep]}
    for resource, status, element in (
        ({**good, "resourceType": "Condition"}, 422, "Observation"),
        ({**good, "status": ""}, 422, "Observation.status"),
        ({**good, "category": []}, 422, "Observation.category"),
        ({name: value for name, value in good.items() if name != "code"}, 422, "Observation.code"),
        ({**good, "subject": {"reference": "Group/1"}}, 422, "Observation.subject"),
        ({**good, "subject": "Patient/1"}, 422, "Observation.subject"),
        ({**good, "effectiveDateTime": "soon"}, 422, "Observation.effectiveDateTime"),
        ({**good, "effectiveDateTime": "0001-01-01"}, 422, "Observation.effectiveDateTime"),
        ({**good, "encounter": {"reference": "Encounter/x"}}, 422, "Observation.encounter"),
        ({**good, "note": [{"text": "a\0b"}]}, 422, "Observation.note[0].text"),
        ({**good, "component": None}, 422, "Observation.component"),
        ({**good, "status": "done"}, 422, "Observation.status"),
        ({**good, "status": ["final"]}, 422, "Observation.status"),
        ({**good, "code": "29463-7"}, 422, "Observation.code"),
        ({**good, "identifier": ["W-1"]}, 422, "Observation.identifier"),
    ):
        answer, outcome = await rural.ask("POST", "/fhir/Observation", resource)
        assert (answer.status, outcome["issue"][0].get("expression")) == (status, [element])
    for body, status in (
        ({**good, "extension": [deep]}, 422),
        (b"{", 400),
        (b"[]", 400),
        (b"", 400),
        (b"[" * 100_000, 400),
        (b'{"resourceType":"Observation","status":NaN}', 400),
        (b" " * 300_000, 413),
    ):
        answer, outcome = await rural.ask("POST", "/fhir/Observation", body)
        assert (answer.status, outcome["resourceType"]) == (status, "OperationOutcome")
    answer, _outcome = await rural.ask("POST", "/fhir/Observation", b"<a/>", headers={"Content-Type": "text/xml"})
    assert answer.status == 415
    assert (await rural.ask("POST", "/fhir/Provenance", {}))[0].status == 405


async def test_a_cookie_alone_writes_nothing(client: Client, cast: Cast, signed_in: Any) -> None:
    await signed_in("rural")
    answer = await client.post("/fhir/Observation", json=weight(cast.patient.id))
    assert answer.status == 403


async def test_decimals_stay_as_they_were_measured(rural: Program, cast: Cast) -> None:
    """1.50 was measured more finely than 1.5 (R4 decimal)."""

    async def value(path: str) -> str:
        answer = await rural.client.get(path, headers=rural.headers)
        return (await answer.text()).partition('"valueQuantity":{')[2].partition("}")[0]

    quantity = {"unit": "mg", "value": "VALUE"}
    text = json.dumps(weight(cast.patient.id, valueQuantity=quantity, identifier=[{"value": "x"}]))
    for written in ("1.50", "0.10", "71", "-0.30", "123456789.012345678", "100.000", "7.0"):
        answer, kept = await rural.ask("POST", "/fhir/Observation", text.replace('"VALUE"', written).encode())
        assert answer.status == 201, kept
        path = f"/fhir/Observation/{kept['id']}"
        assert f'"value":{written}' in (await answer.text()).replace(" ", "")
        for read in (path, f"{path}/_history/1", f"/fhir/Observation?_id={kept['id']}"):
            assert f'"value":{written}' in (await value(read)).replace(" ", ""), (written, read)
    finer = json.dumps({**kept, "valueQuantity": quantity}).replace('"VALUE"', "7.00").encode()
    answer, _kept = await rural.ask("PUT", path, finer)
    assert answer.status == 200
    assert '"value":7.00' in await value(path)
    for bad, status in (
        ("NaN", 400),
        ("Infinity", 400),
        ("1e400", 400),
        ("1e100", 422),
        ("1E+30", 422),
        ("-1e18", 422),
        ("1" * 19, 422),
        ("0." + "1" * 50, 422),
    ):
        answer, _outcome = await rural.ask("POST", "/fhir/Observation", text.replace('"VALUE"', bad).encode())
        assert answer.status == status, bad
