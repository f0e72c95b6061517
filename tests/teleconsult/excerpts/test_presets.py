"""What a specialty usually needs, chosen by itself."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Specialty
from teleconsult.errors import Forbidden, NotFound
from teleconsult.excerpts.choosing import suggestion_for
from teleconsult.excerpts.presets import MOST_SUGGESTED, PRESETS
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordEntry
from tests import consult_steps
from tests.people import Cast

LOINC = "http://loinc.org"


class File:
    """The patient's file, entry by entry."""

    def __init__(self, cast: Cast, sessions: Sessions) -> None:
        self._cast, self._sessions = cast, sessions

    async def add(self, kind: str, title: str, *, days: float = 0, **elements: Any) -> uuid.UUID:
        async with transaction(self._sessions) as session:
            entry = await file_entry(
                session,
                self._cast.rural,
                patient_id=self._cast.patient.id,
                resource={"resourceType": kind, **elements},
                title=title,
                effective_at=now() - timedelta(days=days),
            )
            return entry.id

    async def value(self, title: str, code: str, *, days: float = 0) -> uuid.UUID:
        return await self.add("Observation", title, days=days, **measured(code))

    async def suggested(self, specialty: Specialty | None, actor: Actor | None = None) -> set[uuid.UUID]:
        async with transaction(self._sessions) as session:
            return set(
                await suggestion_for(
                    session, actor or self._cast.rural, patient_id=self._cast.patient.id, specialty=specialty
                )
            )


def measured(code: str) -> dict[str, Any]:
    return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": {"value": 5.4, "unit": "mmol/L"}}


@pytest.fixture
def file(cast: Cast, sessions: Sessions) -> File:
    return File(cast, sessions)


async def test_what_stands_is_suggested_to_everybody(cast: Cast, sessions: Sessions, file: File) -> None:
    standing = {
        (await consult_steps.entry(cast, sessions, "Migraine")).id,
        await file.add("AllergyIntolerance", "Penicillin", days=4000),
    }
    await file.add("Encounter", "Visit")
    assert await file.suggested(None) == standing
    for specialty in Specialty:
        assert standing <= await file.suggested(specialty), specialty


async def test_the_newest_of_each_value_and_no_older_one(file: File) -> None:
    newest = await file.value("Glucose", "2339-0", days=2)
    await file.value("Glucose", "2339-0", days=3)
    await file.value("INR", "6301-6", days=31)
    await file.value("Weight", "29463-7", days=1)
    assert await file.suggested(Specialty.NEUROLOGY) == {newest}


async def test_a_value_is_found_in_its_report_and_in_its_panel(file: File) -> None:
    older = await file.value("Glucose", "2339-0", days=4)
    report = await file.add(
        "DiagnosticReport", "Blood", days=1, contained=[{"resourceType": "Observation", **measured("14749-6")}]
    )
    await file.add(
        "DiagnosticReport", "Urine", days=1, contained=[{"resourceType": "Observation", **measured("5811-5")}]
    )
    signs = await file.add(
        "Observation",
        "Vital signs",
        days=1,
        code={"coding": [{"system": LOINC, "code": "85353-1"}]},
        component=[measured("8480-6")],
    )
    found = await file.suggested(Specialty.NEUROLOGY)
    assert found == {report, signs}
    assert older not in found


async def test_anticoagulants_that_were_stopped_lately_too(file: File) -> None:
    stopped = await file.add("MedicationStatement", "Apixaban 5 mg", days=20, status="stopped")
    by_class = await file.add(
        "MedicationRequest",
        "Sintrom",
        days=20,
        status="completed",
        medicationCodeableConcept={"coding": [{"system": "http://www.whocc.no/atc", "code": "B01AA07"}]},
    )
    await file.add("MedicationStatement", "Paracétamol", days=20, status="stopped")
    await file.add("MedicationStatement", "Warfarine", days=400, status="stopped")
    for specialty in (Specialty.NEUROLOGY, Specialty.TRAUMA, Specialty.CARDIOLOGY):
        assert await file.suggested(specialty) == {stopped, by_class}, specialty
    assert await file.suggested(Specialty.DERMATOLOGY) == set()


async def test_the_last_images_of_the_head_and_the_last_visit(file: File) -> None:
    newest = await file.add("ImagingStudy", "CT – Crâne sans contraste", days=300)
    await file.add("ImagingStudy", "MR – Cerveau", days=900)
    await file.add("ImagingStudy", "DX – Genou", days=1)
    visit = await file.add("Encounter", "Consultation", days=3)
    await file.add("Encounter", "Consultation", days=9)
    assert await file.suggested(Specialty.NEUROLOGY) == {newest, visit}


async def test_photographs_for_the_skin_and_vaccines_for_a_child(file: File) -> None:
    photo = await file.add("DocumentReference", "Photo de la lésion", days=2)
    vaccine = await file.add("Immunization", "RRO", days=700)
    tetanus = await file.add("Immunization", "Tétanos, rappel", days=2000)
    assert await file.suggested(Specialty.DERMATOLOGY) == {photo}
    assert await file.suggested(Specialty.PAEDIATRICS) == {vaccine, tetanus}
    assert await file.suggested(Specialty.TRAUMA) == {tetanus}


async def test_what_was_entered_in_error_is_not_suggested(file: File, sessions: Sessions) -> None:
    wrong = await file.value("Glucose", "2339-0", days=1)
    right = await file.value("Glucose", "2339-0", days=2)
    async with transaction(sessions) as session:
        entry = await session.get_one(RecordEntry, wrong)
        entry.status, entry.version = "entered-in-error", 2
    assert await file.suggested(Specialty.NEUROLOGY) == {right}


async def test_a_file_of_thousands_is_bounded(cast: Cast, sessions: Sessions, file: File) -> None:
    written = {
        "patient_id": cast.patient.id,
        "organization_id": cast.patient.organization_id,
        "recorded_at": now(),
        "author_name": "x",
        "resource_type": "Encounter",
        "title": "Visit",
        "resource": {"resourceType": "Encounter"},
    }
    async with transaction(sessions) as session:
        await session.execute(
            insert(RecordEntry), [{**written, "effective_at": now() - timedelta(hours=hour)} for hour in range(3000)]
        )
    glucose = await file.value("Glucose", "2339-0", days=29)
    found = await file.suggested(Specialty.NEUROLOGY)
    assert glucose in found
    assert len(found) == 2 <= MOST_SUGGESTED


async def test_every_specialty_has_its_preset() -> None:
    assert set(PRESETS) == set(Specialty)


@pytest.mark.parametrize(("who", "error"), [("colleague", Forbidden), ("stranger", NotFound), ("specialist", NotFound)])
async def test_only_for_who_treats_the_patient(cast: Cast, file: File, who: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await file.suggested(Specialty.NEUROLOGY, getattr(cast, who))
