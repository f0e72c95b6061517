"""The demonstration: filled in once, worth reading, valid."""

import json
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from teleconsult.accounts import sign_in
from teleconsult.accounts.entering import SignedIn, Visit
from teleconsult.accounts.models import Account
from teleconsult.consents.models import Consent, ConsentBasis
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import whole
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.demo import ACCOUNTS, PASSWORD, seed_demo
from teleconsult.demo.charts import charts, distance, told
from teleconsult.imaging.models import ImagingStudy
from teleconsult.objects import Objects, open_store
from teleconsult.patients.models import Patient
from teleconsult.patients.searching import patients_in_care
from teleconsult.records.models import RecordEntry
from teleconsult.records.reading import read
from teleconsult.settings import Settings
from tests import judges
from tests.file_steps import timeline

ZONES = dict.fromkeys(("rural", "provincial", "tertiary", "clinic"), "America/Toronto")


@pytest.fixture
async def seeded(sessions: Sessions, settings: Settings) -> AsyncIterator[Objects]:
    """The demonstration, filled in."""
    objects = Objects(open_store(None, settings.data))
    await seed_demo(sessions, settings, objects)
    yield objects


async def test_the_demonstration_is_filled_in_once(sessions: Sessions, settings: Settings, seeded: Objects) -> None:
    await seed_demo(sessions, settings, seeded)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count(Account.id))) == len(ACCOUNTS)
        people = set(await session.scalars(select(Patient.person_id)))
        assert len(people) == len(charts()) >= 14
        states = [state_of(consult) for consult in await session.scalars(select(ServiceRequest).options(*whole()))]
        assert {ConsultState.DRAFT, ConsultState.SUBMITTED, ConsultState.TRIAGE, ConsultState.SCHEDULED} <= set(states)
        assert states.count(ConsultState.ACKNOWLEDGED) == 1
        bases = list(await session.scalars(select(Consent.basis)))
        assert {basis: bases.count(basis) for basis in bases} == {ConsentBasis.PATIENT: 5, ConsentBasis.NECESSITY: 1}
        studies = list(await session.scalars(select(ImagingStudy)))
        assert [study.patient_id is None for study in studies].count(True) == 1, "one waits to be matched"
        assert len(studies) == 3
        assert not any(study.identity_differs for study in studies)
        assert await session.scalar(select(func.max(RecordEntry.effective_at))) <= datetime.now(UTC)
        owed = text("select count(*) from procrastinate_jobs where task_name = 'tell_people'")
        assert await session.scalar(owed) == 0, "nobody's bell begins with what was before"
    for email in ACCOUNTS:
        entry = await sign_in(sessions, settings, email=email, password=PASSWORD, visit=Visit(address="127.0.0.1"))
        assert isinstance(entry, SignedIn)
        actor = entry.actor
        assert actor.name in ACCOUNTS[email]
        if email.startswith("rural"):
            async with transaction(sessions) as session:
                treated = await patients_in_care(session, actor)
                assert len(treated) == 12
                pages = [await timeline(session, actor, patient.id) for patient in treated]
            assert all(len(page.entries) >= 8 for page in pages)
            assert sum(len({entry.organization.name for entry in page.entries}) >= 2 for page in pages) == len(pages)


@pytest.mark.parametrize("name", charts())
def test_a_chart_is_worth_reading(name: str) -> None:
    entries = list(told(charts()[name], moment=datetime.now(UTC), zones=ZONES))
    assert 7 <= len(entries) <= 70
    for entry in entries:
        reading = read(entry.resource)
        assert reading.title
        assert entry.effective_at <= datetime.now(UTC)
        json.dumps(entry.resource, allow_nan=False)


def test_a_distance_has_parts() -> None:
    assert distance("2d 3h").total_seconds() == 51 * 3600
    assert distance("1y 1mo") > distance("1y")


@judges.asks_fhir
def test_other_peoples_validators_accept_every_resource(tmp_path: Path) -> None:
    resources = [
        {**entry.resource, "id": f"{name}-{number}", patient_element(entry.resource): {"reference": "Patient/1"}}
        for name, chart in charts().items()
        for number, entry in enumerate(told(chart, moment=datetime.now(UTC), zones=ZONES))
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": item} for item in resources]}
    path = tmp_path / "demo.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
        verdict = subprocess.run(
            ["node", judge, str(path)], cwd=judges.FOLDER, capture_output=True, text=True, check=False
        )
        assert verdict.returncode == 0, verdict.stdout


def patient_element(resource: dict[str, object]) -> str:
    """Where FHIR R4 names the patient."""
    return "patient" if resource["resourceType"] in ("AllergyIntolerance", "Immunization") else "subject"
