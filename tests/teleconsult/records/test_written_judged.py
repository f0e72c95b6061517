"""What is written by hand, as other people's validators see it."""

import asyncio
import json
import subprocess
import uuid
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from teleconsult.errors import Invalid
from teleconsult.records.documents import Document
from teleconsult.records.measures import measures_in
from teleconsult.records.statements import (
    Allergy,
    AllergyCategory,
    AllergyStatus,
    Certainty,
    Criticality,
    Medicine,
    MedicineStatus,
    Problem,
    ProblemStatus,
)
from teleconsult.records.vitals import SCALES, VitalSign, checked_values, measured, observation
from tests import judges

AT = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
DAY = date(2019, 4, 2)


def everything_written() -> dict[str, dict[str, Any]]:
    """One resource of each kind, in each status."""
    values = {name: scale.high for name, scale in SCALES.items()}
    written: dict[str, dict[str, Any]] = {
        sign: observation(sign, parts, name=sign, names=dict.fromkeys(parts, "Part"), at=AT)
        for sign, parts in checked_values(values).items()
    }
    names = dict.fromkeys(("systolic", "diastolic"), "Part")
    written["felt"] = observation(VitalSign.BLOOD_PRESSURE, {"systolic": 90}, name="felt", names=names, at=AT)
    for problem, certainty in product(ProblemStatus, Certainty):
        said = Problem("Migraine", "A note", problem, certainty, DAY)
        written[f"problem-{problem}-{certainty}"] = said.resource(was={}, at=AT)
    for allergy, category, risk in product(AllergyStatus, AllergyCategory, Criticality):
        told = Allergy("Latex", "", allergy, Certainty.CONFIRMED, category, risk, "Urticaire")
        written[f"allergy-{allergy}-{category}-{risk}"] = told.resource(was={}, at=AT)
    for status in MedicineStatus:
        written[f"medicine-{status}"] = Medicine("Apixaban", "", "1 matin", status, DAY).resource(was={}, at=AT)
    kept = uuid.UUID(int=9)
    written["document"] = {
        **Document("image/jpeg", b"pixels").resource(kept, title="Plaie", at=AT),
        "subject": {"reference": f"Patient/{kept}"},
    }
    for name, resource in written.items():
        element = "patient" if name.startswith("allergy") else "subject"
        resource |= {"id": str(kept), element: {"reference": f"Patient/{kept}"}}
    return written


def test_every_sign_and_every_status_is_written() -> None:
    written = everything_written()
    assert set(VitalSign) <= set(written)
    assert len(written) == len(VitalSign) + 1 + 8 + 27 + 5 + 1
    assert "extension" in written["document"]["content"][0]["attachment"]


def test_a_pressure_felt_at_the_wrist_has_an_upper_value_alone() -> None:
    assert checked_values({"systolic": 90}) == {VitalSign.BLOOD_PRESSURE: {"systolic": 90}}
    felt = everything_written()["felt"]
    assert measured(felt) == (VitalSign.BLOOD_PRESSURE, {"systolic": 90})
    assert [part.get("dataAbsentReason") is not None for part in felt["component"]] == [False, True]
    assert [measure.value for measure in measures_in(felt)] == [90]
    with pytest.raises(Invalid):
        checked_values({"diastolic": 60})


def test_what_is_written_is_read_back_the_same() -> None:
    kinds: dict[str, type[Problem | Allergy | Medicine]]
    kinds = {"Condition": Problem, "AllergyIntolerance": Allergy, "MedicationStatement": Medicine}
    for resource in everything_written().values():
        if kind := kinds.get(resource["resourceType"]):
            assert kind.read(resource).resource(was=resource, at=AT) == resource


@judges.asks_fhir
async def test_other_peoples_validators_accept_it(tmp_path: Path) -> None:
    for name, resource in everything_written().items():
        (tmp_path / f"{name}.json").write_text(json.dumps(resource), encoding="utf-8")
    files = [str(file) for file in sorted(tmp_path.glob("*.json"))]
    for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
        verdict = await asyncio.to_thread(
            subprocess.run, ["node", judge, *files], cwd=judges.FOLDER, capture_output=True, text=True, check=False
        )
        assert verdict.returncode == 0, verdict.stdout[:4000]
