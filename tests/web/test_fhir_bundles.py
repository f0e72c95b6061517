"""The FHIR door: many interactions in one Bundle."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.records.models import RecordEntry
from tests import judges
from tests.people import Cast
from tests.web.fhir_client import Program, Resource, program
from tests.web.test_fhir_writing import LAB, weight

Client = TestClient[web.Request, web.Application]
SAMPLE = Path(__file__).parents[1] / "data" / "fhir" / "synthea_shape.json"
OTHERS = judges.FOLDER.parent / "data" / "fhir"
PATIENT = "urn:uuid:0b6f2c1e-6a0e-4d4c-9d11-2b1f7f3c0a00"


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


def bundle(kind: str, *entries: Resource) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method: str, url: str, resource: Resource | None = None, **more: Any) -> Resource:
    full_url = {"fullUrl": more.pop("fullUrl")} if "fullUrl" in more else {}
    return {
        **full_url,
        **({"resource": resource} if resource else {}),
        "request": {"method": method, "url": url, **more},
    }


async def kept(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        return await session.scalar(select(func.count()).select_from(RecordEntry)) or 0


def statuses(answer: Resource) -> list[str]:
    return [one["response"]["status"][:3] for one in answer.get("entry", [])]


async def test_a_batch_does_each_for_itself(rural: Program, cast: Cast, sessions: Sessions) -> None:
    good, bad = weight(cast.patient.id), weight(cast.strangers_patient.id)
    answer, done = await rural.ask(
        "POST",
        "/fhir",
        bundle(
            "batch",
            entry("POST", "Observation", good),
            entry("POST", "Observation", bad),
            entry("GET", f"Patient/{cast.patient.id}"),
            entry("GET", f"Patient/{cast.strangers_patient.id}"),
            entry("GET", f"Observation?patient={cast.patient.id}&_summary=count"),
            entry("DELETE", "Observation/1"),
            entry("GET", "Basic/1"),
            entry("POST", "Observation", good, ifNoneExist=f"identifier={LAB}|W-1"),
        ),
    )
    assert (answer.status, done["type"]) == (200, "batch-response")
    assert statuses(done) == ["201", "422", "200", "404", "200", "405", "404", "200"]
    assert done["entry"][1]["response"]["outcome"]["issue"][0]["expression"] == ["Observation.subject"]
    assert done["entry"][4]["resource"]["total"] == 1
    assert done["entry"][0]["response"]["location"].endswith("/_history/1")
    assert await kept(sessions) == 1
    async with transaction(sessions) as session:
        denied = select(func.count()).select_from(AuditEvent).where(AuditEvent.outcome == "denied")
        assert await session.scalar(denied) == 3


async def test_what_is_noted_of_a_refused_entry_is_short_and_can_be_kept(
    rural: Program, cast: Cast, sessions: Sessions
) -> None:
    refused = [entry("GET" * 10_000, "Nothing/x"), entry("\0", "Nothing/x"), entry("GET", "Observation/%00")]
    sent = bundle("batch", *refused, entry("GET", f"Patient/{cast.patient.id}"))
    answer, done = await rural.ask("POST", "/fhir", sent)
    assert (answer.status, statuses(done)) == (200, ["404", "404", "404", "200"])
    async with transaction(sessions) as session:
        details = (await session.scalars(select(AuditEvent.detail).where(AuditEvent.outcome == "denied"))).all()
    assert len(details) == 3
    assert all(len(json.dumps(detail)) < 500 for detail in details)


async def test_a_transaction_is_all_or_nothing(rural: Program, cast: Cast, sessions: Sessions) -> None:
    answer, outcome = await rural.ask(
        "POST",
        "/fhir",
        bundle(
            "transaction",
            entry("POST", "Observation", weight(cast.patient.id)),
            entry("POST", "Observation", weight(cast.strangers_patient.id)),
        ),
    )
    assert answer.status == 422
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[1].resource.subject"]
    assert await kept(sessions) == 0
    async with transaction(sessions) as session:
        assert await session.scalar(select(AuditEvent.action).where(AuditEvent.outcome == "denied")) == "access-denied"


async def test_entries_speak_of_each_other(rural: Program, cast: Cast, sessions: Sessions) -> None:
    """In any order, under names of the Bundle's own, and under a condition."""
    sent = bundled(json.loads(SAMPLE.read_text(encoding="utf-8")), str(cast.patient.id))
    sent["entry"].reverse()
    answer, done = await rural.ask("POST", "/fhir", sent)
    assert answer.status == 200, done
    assert set(statuses(done)) == {"201"}
    await in_and_out(rural, sent, done)
    conditional = [
        entry("POST", "Observation", weight(cast.patient.id), ifNoneExist=f"identifier={LAB}|W-1", fullUrl=name)
        for name in ("urn:uuid:00000000-0000-0000-0000-00000000000a", "urn:uuid:00000000-0000-0000-0000-00000000000b")
    ]
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Weights"},
        "subject": {"reference": f"Patient/{cast.patient.id}"},
        "result": [{"reference": one["fullUrl"]} for one in conditional],
    }
    for expected in (["201", "201", "200"], ["201", "200", "200"]):
        answer, done = await rural.ask(
            "POST", "/fhir", bundle("transaction", entry("POST", "DiagnosticReport", report), *conditional)
        )
        assert statuses(done) == expected, done
        results = {one["reference"] for one in done["entry"][0]["resource"]["result"]}
        assert results == {f"Observation/{done['entry'][1]['resource']['id']}"}


async def test_two_entries_do_not_change_the_same(rural: Program, cast: Cast, sessions: Sessions) -> None:
    """R4 §3.1.0.11.2: identities that overlap fail the transaction."""
    _answer, made = await rural.ask("POST", "/fhir/Observation", weight(cast.patient.id))
    by_id = entry("PUT", f"Observation/{made['id']}", made)
    by_number = entry("PUT", f"Observation?identifier={LAB}|W-1", weight(cast.patient.id))
    for one, other in ((by_id, by_id), (by_id, by_number), (by_number, by_id)):
        answer, outcome = await rural.ask("POST", "/fhir", bundle("transaction", one, other))
        assert (answer.status, outcome["issue"][0]["expression"]) == (400, ["Bundle.entry[1]"])
    assert (await rural.get(f"/fhir/Observation/{made['id']}"))["meta"]["versionId"] == "1"
    answer, done = await rural.ask("POST", "/fhir", bundle("batch", by_id, by_number))
    assert statuses(done) == ["200", "200"]


def bundled(sample: Resource, patient_id: str) -> Resource:
    """The sample about a patient of ours, without what no file holds."""
    text = json.dumps(sample)
    whole: Resource = json.loads(text)
    people = [one for one in whole["entry"] if one["resource"]["resourceType"] == "Patient"]
    name = people[0]["fullUrl"] if people else PATIENT
    whole = json.loads(text.replace(f'"{name}"', f'"Patient/{patient_id}"'))
    left_out = ("Patient", "Organization", "Practitioner", "PractitionerRole", "Location")
    whole["entry"] = [one for one in whole["entry"] if one["resource"]["resourceType"] not in left_out]
    return whole


async def in_and_out(rural: Program, sent: Resource, done: Resource) -> None:
    """Every resource comes out as it went in, under our ids."""
    ids = {
        one["fullUrl"]: "/".join(answer["response"]["location"].split("/")[-4:-2])
        for one, answer in zip(sent["entry"], done["entry"], strict=True)
    }
    text = json.dumps(sent)
    for name, address in ids.items():
        text = text.replace(f'"{name}"', f'"{address}"')
    for one, address in zip(json.loads(text)["entry"], ids.values(), strict=True):
        found = await rural.get(f"/fhir/{address}")
        meta = found.pop("meta")
        assert meta.pop("versionId") == "1"
        del meta["lastUpdated"], found["id"], one["resource"]["id"]
        expected_meta = one["resource"].pop("meta", {})
        assert found == one["resource"]
        assert meta == expected_meta


@pytest.mark.skipif(not OTHERS.is_dir(), reason="other people's samples are not here")
@pytest.mark.parametrize("number", range(3))
async def test_other_peoples_bundles_go_in_and_out(rural: Program, cast: Cast, number: int) -> None:
    path = sorted(OTHERS.glob("*.json"))[number]
    sent = bundled(json.loads(path.read_text(encoding="utf-8")), str(cast.patient.id))
    answer, done = await rural.ask("POST", "/fhir", sent)
    assert answer.status == 200, done
    await in_and_out(rural, sent, done)


async def test_what_is_no_bundle(rural: Program, cast: Cast) -> None:
    many = [entry("GET", "Patient/1")] * 501
    for body, status in (
        ({"resourceType": "Bundle", "type": "searchset"}, 422),
        ({"resourceType": "Patient"}, 422),
        (bundle("batch", {}), 422),
        (bundle("batch", entry("GET", "https://other.test/Patient/1")), 422),
        (bundle("batch", entry("GET", "http://[")), 422),
        (bundle("batch", *many), 413),
        ({"resourceType": "Bundle", "type": "batch", "entry": "x"}, 422),
        (b"x", 400),
        (b"[" * 200_000, 400),
    ):
        answer, outcome = await rural.ask("POST", "/fhir", body)
        assert (answer.status, outcome["resourceType"]) == (status, "OperationOutcome"), body
    answer, done = await rural.ask("POST", "/fhir/", {"resourceType": "Bundle", "type": "batch"})
    assert (answer.status, "entry" in done) == (200, False)


async def test_who_finds_no_patients_sends_no_bundles(client: Client, cast: Cast, sessions: Sessions) -> None:
    for who in (cast.coordinator, cast.admin, None):
        someone = await program(client, sessions, who)
        answer, outcome = await someone.ask("POST", "/fhir", bundle("batch"))
        assert (answer.status, outcome["resourceType"]) == (404 if who else 401, "OperationOutcome")
