"""What a specialty needs, and whether a request has it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from teleconsult.directory.models import Specialty
from teleconsult.excerpts.completeness import EVIDENCE, NEEDS, Checked, Needed, checklist, needs_shown
from teleconsult.patients.names import fold
from teleconsult.records.describing import described
from teleconsult.records.models import RecordEntry, ResourceType

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def entry(title: str, ago: timedelta = timedelta(0), **resource: Any) -> RecordEntry:
    whole = {"resourceType": "Observation", **resource}
    return RecordEntry(
        title=title,
        resource_type=ResourceType(whole["resourceType"]),
        effective_at=NOW - ago,
        resource=whole,
        code=described(whole, title=title).code,
    )


def value(code: str) -> dict[str, Any]:
    return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": 5}}


def checked(specialty: Specialty = Specialty.NEUROLOGY, **given: Any) -> dict[Needed, Checked]:
    whole: dict[str, Any] = {"chosen": [], "others": [], "question": "", "has_images": False, **given}
    return {one.needed: one for one in checklist(specialty, at=NOW, **whole)}


def test_every_specialty_has_its_needs_and_every_need_its_evidence() -> None:
    assert set(NEEDS) == set(Specialty)
    assert {needed for needs in NEEDS.values() for needed in needs} == set(Needed) == set(EVIDENCE)
    for evidence in EVIDENCE.values():
        assert all(word.strip() == fold(word) for word in evidence.words), evidence.words


def test_a_stroke_without_anything_lacks_everything() -> None:
    found = checked(question="Hémiplégie gauche, avis urgent")
    assert not any(one.is_met for one in found.values())


def test_a_stroke_told_well_lacks_nothing() -> None:
    pressure: dict[str, Any] = {"component": [value("8480-6")], "code": {"coding": [{"code": "85354-9"}]}}
    report: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "contained": [{"resourceType": "Observation", **value("14749-6")}],
    }
    found = checked(
        question="Vue normale à 8 h 40. Pas d’anticoagulant.",
        chosen=[entry("Tension", **pressure), entry("Biochimie", **report)],
        has_images=True,
    )
    assert all(one.is_met for one in found.values())


@pytest.mark.parametrize("question", ["Đang dùng thuốc: chống đông", "takes WARFARIN", "Héparine depuis hier"])
def test_words_count_in_every_language(question: str) -> None:
    assert checked(question=question)[Needed.ANTICOAGULANTS].is_met


def test_an_old_value_does_not_count() -> None:
    old, new = entry("Glucose", timedelta(days=2), **value("14743-9")), entry("Glucose", **value("14743-9"))
    assert not checked(chosen=[old])[Needed.GLUCOSE].is_met
    assert checked(chosen=[old])[Needed.GLUCOSE].offered is None
    assert checked(chosen=[new])[Needed.GLUCOSE].is_met


def test_what_the_file_has_is_offered() -> None:
    new, newer = entry("Apixaban 5 mg", resourceType="MedicationStatement"), entry("Warfarine", **value("1"))
    found = checked(others=[newer, new])[Needed.ANTICOAGULANTS]
    assert (found.is_met, found.offered) == (False, newer)
    assert checked(Specialty.GENERAL, chosen=[new])[Needed.MEDICINES].is_met


def test_a_word_counts_from_its_beginning() -> None:
    assert not checked(Specialty.CARDIOLOGY, question="Secg")[Needed.ECG].is_met
    assert checked(Specialty.CARDIOLOGY, question="(ECG joint)")[Needed.ECG].is_met


def test_an_entry_says_what_of_it_is_asked_for_first() -> None:
    for one, needs in (
        (entry("Apixaban 5 mg", resourceType="MedicationStatement"), [Needed.ANTICOAGULANTS]),
        (entry("Glucose", **value("2339-0")), [Needed.GLUCOSE]),
        (entry("Glucose", timedelta(days=2), **value("2339-0")), []),
        (entry("CT", resourceType="ImagingStudy"), []),
    ):
        assert needs_shown(one, Specialty.NEUROLOGY, at=NOW) == needs, one.title
