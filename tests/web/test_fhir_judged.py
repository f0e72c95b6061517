"""What leaves the FHIR door, before other people's validators."""

import asyncio
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.consents.confirming import confirm_consent
from teleconsult.consents.models import ConsentBasis, Incapacity
from teleconsult.consents.withdrawing import withdraw_consent
from teleconsult.db import Sessions, transaction
from teleconsult.demo.charts import charts, told
from teleconsult.patients.merging import merge_patients
from teleconsult.patients.models import IdentifierStatus, PatientIdentifier
from teleconsult.records.actions import file_entry
from teleconsult.records.changing import retract_entry
from teleconsult.records.models import ResourceType
from tests import consult_steps, judges
from tests.people import Cast
from tests.teleconsult.patients.steps import fresh, registered
from tests.web.fhir_client import Program, program
from tests.web.test_fhir_binaries import document
from tests.web.test_fhir_bundles import SAMPLE, bundle, bundled, entry
from tests.web.test_fhir_writing import LAB, weight

Client = TestClient[web.Request, web.Application]
ZONES = dict.fromkeys(("rural", "provincial", "tertiary", "clinic"), "America/Toronto")


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


async def consented_otherwise(cast: Cast, sessions: Sessions) -> None:
    """By necessity, by a representative who then took over, and withdrawn."""
    consult = await consult_steps.consented(cast, sessions, consult_steps.NOBODY_ASKED)
    async with transaction(sessions, cast.rural) as session:
        said = {"given_by": "Anne Bélanger", "relationship": "daughter", "incapacity": Incapacity.UNCONSCIOUS}
        basis = ConsentBasis.REPRESENTATIVE
        await confirm_consent(session, cast.rural, consult_id=consult.id, basis=basis, **said)
    async with transaction(sessions, cast.rural) as session:
        await withdraw_consent(session, cast.rural, consult_id=consult.id, reason="He says no.")


@judges.asks_fhir
async def test_other_peoples_validators_accept_what_leaves(
    rural: Program, cast: Cast, sessions: Sessions, tmp_path: Path
) -> None:
    patient = cast.patient.id
    await consult_steps.accepted(cast, sessions)
    await consented_otherwise(cast, sessions)
    await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        withdrawn = IdentifierStatus.WITHDRAWN
        session.add(PatientIdentifier(patient_id=patient, system=LAB, value="1", type="MR", recorded_at=now()))
        session.add(PatientIdentifier(patient_id=patient, system=LAB, value="2", status=withdrawn, recorded_at=now()))
        merged = await registered(session, cast.rural)
        await merge_patients(session, fresh(cast.rural), merged_id=merged.id, kept_id=patient, reason="Twice.")
        for chart in list(charts().values())[:4]:
            for one in told(chart, moment=datetime.now(UTC), zones=ZONES):
                kept = await file_entry(
                    session, SYSTEM, patient_id=patient, resource=one.resource, title="Entry", effective_at=now()
                )
    sent = bundled(json.loads(SAMPLE.read_text(encoding="utf-8")), str(patient))
    answers = {"transaction": (await rural.ask("POST", "/fhir", sent))[1]}
    async with transaction(sessions, cast.rural) as session:
        for one in answers["transaction"]["entry"]:
            id_ = one["resource"]["id"]
            kept = await retract_entry(session, cast.rural, entry_id=id_, reason="Not hers.")
            answers[f"error-{id_}"] = await rural.get(f"/fhir/{kept.resource_type.value}/{id_}/_history/1")
    for one in answers["transaction"]["entry"]:
        kind, id_ = one["resource"]["resourceType"], one["resource"]["id"]
        answers[f"history-{kind}"] = await rural.get(f"/fhir/{kind}/{id_}/_history")
    letter = (await rural.ask("POST", "/fhir/DocumentReference", document(patient)))[1]
    answers["letter"] = letter
    answers["binary"] = await rural.get(f"/fhir/{letter['content'][0]['attachment']['url']}")
    answers["batch"] = (
        await rural.ask(
            "POST",
            "/fhir",
            bundle(
                "batch", entry("POST", "Observation", weight(patient)), entry("GET", "Patient/x"), entry("GET", "x")
            ),
        )
    )[1]
    for name, path in (
        ("metadata", "metadata"),
        ("patient", f"Patient/{patient}"),
        ("patients", "Patient"),
        ("merged", f"Patient/{merged.id}"),
        ("asked-for", "Task?_include=Task:focus"),
        ("some-patients", "Patient?_elements=birthDate"),
        ("some-requests", "ServiceRequest?_elements=priority"),
        ("some-tasks", "Task?_elements=priority"),
        ("everything", f"Patient/{patient}/$everything?_count=100"),
        ("along", f"Observation?patient={patient}&_include=Observation:subject&_include=Observation:encounter"),
        ("back", f"Encounter?patient={patient}&_revinclude=Observation:encounter"),
        ("requests", "ServiceRequest"),
        ("consents", f"Consent?patient={patient}"),
        ("tasks", "Task"),
        ("none", "Goal"),
        ("counted", "Observation?_summary=count"),
        *((kind.value, f"{kind.value}?patient={patient}&_count=100") for kind in ResourceType),
        *((f"some-{kind.value}", f"{kind.value}?_elements=identifier&_count=100") for kind in ResourceType),
        *((f"text-{kind.value}", f"{kind.value}?_summary=text&_count=100") for kind in ResourceType),
    ):
        answers[name] = await rural.get(f"/fhir/{path}")
    for name, method, path in (
        ("missing", "GET", "Patient/x"),
        ("refused", "POST", "Observation"),
        ("unknown", "GET", "Observation?date=x"),
        ("disallowed", "DELETE", f"Patient/{patient}"),
    ):
        answers[name] = (await rural.ask(method, f"/fhir/{path}", {} if method == "POST" else None))[1]
    sought = {"resourceType": "Patient", "name": [{"family": "Bélanger", "given": ["Rose"]}], "birthDate": "1951-03-14"}
    asked = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": sought}]}
    answers["match"] = (await rural.ask("POST", "/fhir/Patient/$match", asked))[1]
    for name, resource in answers.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(resource), encoding="utf-8")
    for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
        files = [str(file) for file in sorted(tmp_path.glob("*.json"))]
        verdict = await asyncio.to_thread(
            subprocess.run, ["node", judge, *files], cwd=judges.FOLDER, capture_output=True, text=True, check=False
        )
        assert verdict.returncode == 0, "\n".join(
            line for line in verdict.stdout.splitlines() if line.startswith(" ") or "valid false" in line
        )[:4000]
