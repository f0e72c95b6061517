"""The FHIR door: searching patients and the entries of files."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import Engine, event, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.models import Patient, PatientIdentifier
from teleconsult.records.actions import file_entry
from teleconsult.records.changing import retract_entry
from teleconsult.records.models import RecordEntry
from tests.people import Cast
from tests.web.fhir_client import Program, included, matches, program

Client = TestClient[web.Request, web.Application]
LOINC = "http://loinc.org"
MATRICULE = "urn:oid:1.2.250.1.213.1.4.8"


def observation(day: int, code: str = "29463-7", category: str = "vital-signs", **more: Any) -> dict[str, Any]:
    """A value taken on a day of November 2026."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": category}]}],
        "code": {"coding": [{"system": "urn:local", "code": f"L-{code}"}, {"system": LOINC, "code": code}]},
        "effectiveDateTime": f"2026-11-{day:02}T08:00:00Z",
        **more,
    }


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


@pytest.fixture
async def entries(sessions: Sessions, cast: Cast) -> dict[str, RecordEntry]:
    """An encounter with one of two weights, a laboratory value elsewhere, a problem, and what is another's."""
    kept: dict[str, RecordEntry] = {}
    stay = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "AMB"},
        "period": {"start": "2026-11-01T08:00:00Z", "end": "2026-11-03T08:00:00Z"},
    }
    problem = {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": "Migraine"},
        "onsetDateTime": "2020-05",
    }
    async with transaction(sessions) as session:
        for name, patient, resource, at in (
            ("stay", cast.patient, stay, datetime(2026, 11, 1, 8, tzinfo=UTC)),
            ("weight", cast.patient, observation(2), datetime(2026, 11, 2, 8, tzinfo=UTC)),
            ("later", cast.patient, observation(9), datetime(2026, 11, 9, 8, tzinfo=UTC)),
            (
                "potassium",
                cast.patient_elsewhere,
                observation(5, "2823-3", "laboratory"),
                datetime(2026, 11, 5, 8, tzinfo=UTC),
            ),
            ("problem", cast.patient, problem, datetime(2020, 5, 1, tzinfo=UTC)),
            ("foreign", cast.strangers_patient, observation(2), datetime(2026, 11, 2, 8, tzinfo=UTC)),
        ):
            kept[name] = await file_entry(
                session,
                SYSTEM,
                patient_id=patient.id,
                resource=resource,
                title=name,
                effective_at=at,
                episode_id=kept["stay"].id if name == "weight" else None,
            )
        session.add(
            PatientIdentifier(patient_id=cast.patient.id, system=MATRICULE, value="251037512345678", recorded_at=now())
        )
    return kept


def named(entries: dict[str, RecordEntry], resources: list[dict[str, Any]]) -> list[str]:
    names = {str(entry.id): name for name, entry in entries.items()}
    return [names.get(resource["id"], resource["id"]) for resource in resources]


ENTRIES_FOUND: Final = (
    ("Observation", ["later", "potassium", "weight"]),
    ("Observation?patient={patient}", ["later", "potassium", "weight"]),
    ("Observation?subject=Patient/{patient}", ["later", "potassium", "weight"]),
    ("Observation?subject:Patient={patient}", ["later", "potassium", "weight"]),
    ("Observation?patient={foreign_patient}", []),
    ("Observation?patient=x", []),
    ("Observation?patient.identifier={matricule}", ["later", "potassium", "weight"]),
    ("Observation?patient.identifier=251037512345678", ["later", "potassium", "weight"]),
    ("Observation?patient.identifier=urn:other|251037512345678", []),
    ("Observation?patient.name=belanger", ["later", "potassium", "weight"]),
    ("Observation?patient:Patient.family=Bel&subject:Patient.given=ros", ["later", "potassium", "weight"]),
    ("Observation?patient.birthdate=1951-03-14&code=2823-3", ["potassium"]),
    ("Observation?patient.birthdate=1951-03-15", []),
    ("Observation?patient.family=Nobody", []),
    ("Observation?patient={patient}&code=29463-7", ["later", "weight"]),
    ("Observation?patient={patient}&code=http://loinc.org|2823-3", ["potassium"]),
    ("Observation?patient={patient}&code=urn:local|", ["later", "potassium", "weight"]),
    ("Observation?patient={patient}&code=|29463-7", []),
    ("Observation?patient={patient}&code=2823-3,29463-7", ["later", "potassium", "weight"]),
    ("Observation?patient={patient}&code=2823-3&code=29463-7", []),
    ("Observation?patient={patient}&category=laboratory", ["potassium"]),
    ("Observation?patient={patient}&category=|laboratory", ["potassium"]),
    ("Observation?patient={patient}&status=final", ["later", "potassium", "weight"]),
    ("Observation?patient={patient}&status=amended", []),
    ("Observation?patient={patient}&date=2026-11-05", ["potassium"]),
    ("Observation?patient={patient}&date=ge2026-11-05", ["later", "potassium"]),
    ("Observation?patient={patient}&date=gt2026-11-05", ["later"]),
    ("Observation?patient={patient}&date=lt2026-11-05", ["weight"]),
    ("Observation?patient={patient}&date=le2026-11-05", ["potassium", "weight"]),
    ("Observation?patient={patient}&date=ge2026-11-03&date=le2026-11-06", ["potassium"]),
    ("Observation?patient={patient}&date=ne2026-11-05", ["later", "weight"]),
    ("Observation?patient={patient}&date=2026-11-02,2026-11-09", ["later", "weight"]),
    ("Observation?patient={patient}&_sort=date", ["weight", "potassium", "later"]),
    ("Observation?patient={patient}&_sort=-date", ["later", "potassium", "weight"]),
    ("Observation?patient={patient}&_lastUpdated=lt2026-01-01", []),
    ("Observation?encounter={stay}", ["weight"]),
    ("Observation?encounter=Encounter/{stay}", ["weight"]),
    ("Observation?_id={weight}", ["weight"]),
    ("Observation?_id={weight},{foreign}", ["weight"]),
    ("Observation?_id={stay}", []),
    ("Encounter?patient={patient}&date=2026-11", ["stay"]),
    ("Encounter?patient={patient}&date=2026-11-02", []),
    ("Encounter?patient={patient}&date=ge2026-11-02", ["stay"]),
    ("Encounter?patient={patient}&date=gt2026-11-03", []),
    ("Encounter?patient={patient}&class=AMB", ["stay"]),
    ("Condition?patient={patient}&clinical-status=active", ["problem"]),
    ("Condition?patient={patient}&clinical-status=resolved", []),
    ("Condition?patient={patient}&onset-date=2020-05", ["problem"]),
)
"""A search, and what it finds, in its order."""


async def test_entries_are_found(rural: Program, cast: Cast, entries: dict[str, RecordEntry]) -> None:
    ids = {name: str(entry.id) for name, entry in entries.items()}
    ids |= {"patient": str(cast.patient.id), "foreign_patient": str(cast.strangers_patient.id)}
    ids["matricule"] = f"{MATRICULE}|251037512345678"
    wrong = []
    for query, expected in ENTRIES_FOUND:
        bundle = await rural.get(f"/fhir/{query.format(**ids)}")
        found = named(entries, matches(bundle))
        if found != expected or bundle["total"] != len(expected):
            wrong.append((query, found, bundle["total"]))
    assert not wrong


async def test_a_form_searches_alike(rural: Program, cast: Cast, entries: dict[str, RecordEntry]) -> None:
    answer = await rural.client.post(
        "/fhir/Observation/_search?_count=1",
        data={"patient": str(cast.patient.id), "code": "29463-7"},
        headers=rural.headers,
    )
    bundle = await answer.json(content_type=None)
    assert (named(entries, matches(bundle)), bundle["total"]) == (["later"], 2)


async def test_pages_hold_everything_once(rural: Program, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        for number in range(45):
            patient = cast.patient if number % 3 else cast.patient_elsewhere
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number // 4)
            await file_entry(
                session, SYSTEM, patient_id=patient.id, resource=observation(1), title="W", effective_at=at
            )
    for query in ("", "&_sort=date", "&_sort=_lastUpdated", "&_sort=-_lastUpdated"):
        found = await rural.all(f"/fhir/Observation?patient={cast.patient.id}&_count=7{query}")
        assert len({one["id"] for one in found}) == len(found) == 45
    first = await rural.get(f"/fhir/Observation?patient={cast.patient.id}")
    assert (len(matches(first)), first["total"]) == (20, 45)
    most = await rural.get("/fhir/Observation?_count=100000")
    assert len(matches(most)) == 45


async def test_how_many(rural: Program, cast: Cast, entries: dict[str, RecordEntry]) -> None:
    path = f"/fhir/Observation?patient={cast.patient.id}"
    for query in ("_summary=count", "_count=0"):
        counted = await rural.get(f"{path}&{query}")
        assert (counted["total"], "entry" in counted) == (3, False)
    assert "total" not in await rural.get(f"{path}&_total=none")
    assert (await rural.get(f"{path}&_total=accurate"))["total"] == 3
    with_encounter = await rural.get(f"{path}&_include=Observation:encounter")
    assert with_encounter["total"] == 3


async def test_what_comes_along(rural: Program, cast: Cast, entries: dict[str, RecordEntry]) -> None:
    path = f"/fhir/Observation?patient={cast.patient.id}"
    bundle = await rural.get(f"{path}&_include=Observation:encounter&_include=Observation:subject")
    along = [(one["resourceType"], one["id"]) for one in included(bundle)]
    assert sorted(along) == sorted(
        [("Encounter", str(entries["stay"].id))]
        + [("Patient", str(patient.id)) for patient in (cast.patient, cast.patient_elsewhere)]
    )
    weight = next(one for one in matches(bundle) if one["id"] == str(entries["weight"].id))
    assert weight["encounter"] == {"reference": f"Encounter/{entries['stay'].id}"}
    back = await rural.get(f"/fhir/Encounter?patient={cast.patient.id}&_revinclude=Observation:encounter")
    assert named(entries, included(back)) == ["weight"]


async def test_what_was_an_error_is_found_as_one(
    rural: Program, cast: Cast, sessions: Sessions, entries: dict[str, RecordEntry]
) -> None:
    async with transaction(sessions, cast.rural) as session:
        await retract_entry(session, cast.rural, entry_id=entries["weight"].id, reason="Another patient's.")
    path = f"/fhir/Observation?patient={cast.patient.id}"
    assert named(entries, matches(await rural.get(f"{path}&status=entered-in-error"))) == ["weight"]
    assert named(entries, matches(await rural.get(f"{path}&status=final"))) == ["later", "potassium"]


PATIENTS_FOUND: Final = (
    ("", True),
    ("identifier={number}", True),
    ("identifier={system}|{number}", True),
    ("identifier=urn:other|{number}", False),
    ("identifier=251037512345678", True),
    ("identifier={matricule}", True),
    ("family=belan", True),
    ("family=Bélanger", True),
    ("family=elanger", False),
    ("given=rose", True),
    ("name=Rose", True),
    ("name=rose belanger", True),
    ("name=luc", False),
    ("birthdate=1951-03-14", True),
    ("birthdate=1951-03", True),
    ("birthdate=ge1951-03-15", False),
    ("birthdate=lt1952", True),
    ("gender=female", True),
    ("gender=male,other", False),
    ("_id={patient}", True),
    ("_id={foreign}", False),
    ("family=Bélanger&gender=male", False),
    ("_lastUpdated=ge2020", True),
)
"""A search, and whether it finds the rural patient."""


async def test_patients_are_found(rural: Program, cast: Cast, entries: dict[str, RecordEntry]) -> None:
    ids = {
        "number": cast.patient.local_number,
        "house": str(cast.patient.organization_id),
        "system": (await rural.get(f"/fhir/Patient/{cast.patient.id}"))["identifier"][0]["system"],
        "matricule": f"{MATRICULE}|251037512345678",
        "patient": str(cast.patient.id),
        "foreign": str(cast.strangers_patient.id),
    }
    wrong = []
    for query, is_found in PATIENTS_FOUND:
        bundle = await rural.get("/fhir/Patient?" + quote(query.format(**ids), safe="=:/|,&"))
        found = [one["id"] for one in matches(bundle)]
        if found != [str(cast.patient.id)] * is_found or bundle["total"] != is_found:
            wrong.append((query, found))
    assert not wrong


async def test_a_patient_of_whom_the_year_alone_is_known(rural: Program, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, SYSTEM) as session:
        patient = await session.get_one(Patient, cast.patient.id)
        patient.birth_date, patient.estimated_birth_year = None, 1938
    assert (await rural.get(f"/fhir/Patient/{cast.patient.id}"))["birthDate"] == "1938"
    found = {"1938": 1, "lt1939": 1, "ge1938-01-01": 1, "1938-01": 0, "1938-01-01": 0, "gt1938": 0}
    for asked, count in found.items():
        assert (await rural.get(f"/fhir/Patient?birthdate={asked}&_id={cast.patient.id}"))["total"] == count, asked


async def test_unknown_parameters(rural: Program, cast: Cast) -> None:
    path = f"/fhir/Observation?patient={cast.patient.id}&colour=red&_elements=id"
    bundle = await rural.get(path)
    own = bundle["link"][0]["url"]
    assert "colour" not in own
    assert str(cast.patient.id) in own
    answer, outcome = await rural.ask("GET", path, headers={"Prefer": "handling=strict"})
    assert (answer.status, outcome["issue"][0]["code"]) == (400, "invalid")
    assert "colour" in outcome["issue"][0]["details"]["text"]


async def test_what_cannot_be_read(rural: Program) -> None:
    for query in (
        *("date=yesterday", "date=ap2026", "date=ge9999-12-31", "code=|", "code:text=weight", "patient:Group=1"),
        *("_count=x", "_count=-1", "_position=x", f"code={'a,' * 201}", f"_id={'a,' * 201}"),
        f"patient={','.join(str(uuid.UUID(int=number)) for number in range(21))}",
    ):
        answer, outcome = await rural.ask("GET", f"/fhir/Observation?{query}")
        assert (answer.status, outcome["resourceType"]) == (400, "OperationOutcome"), query


async def test_whom_they_do_not_treat(client: Client, cast: Cast, sessions: Sessions) -> None:
    colleague = await program(client, sessions, cast.colleague)
    answer, outcome = await colleague.ask("GET", f"/fhir/Observation?patient={cast.patient.id}")
    assert (answer.status, outcome["issue"][0]["code"]) == (403, "forbidden")
    assert matches(await colleague.get("/fhir/Observation")) == []
    specialist = await program(client, sessions, cast.specialist)
    texts = []
    for id_ in (cast.patient.id, cast.strangers_patient.id, uuid.UUID(int=1)):
        bundle = await specialist.get(f"/fhir/Observation?patient={id_}")
        texts.append(str(bundle).replace(str(id_), ""))
    assert len(set(texts)) == 1


async def test_searches_leave_a_trace(
    rural: Program, cast: Cast, sessions: Sessions, entries: dict[str, RecordEntry]
) -> None:
    await rural.get(f"/fhir/Observation?patient={cast.patient.id}&_count=1")
    await rural.get("/fhir/Patient?family=Belanger")
    async with transaction(sessions) as session:
        events = await session.scalars(select(AuditEvent).where(AuditEvent.detail["by"].astext == "fhir"))
        assert sorted((one.action, one.patient_id) for one in events) == [
            ("file-opened", cast.patient.id),
            ("patients-searched", cast.patient.id),
        ]


async def test_no_query_for_each_row(rural: Program, cast: Cast, sessions: Sessions) -> None:
    async def asked(count: int) -> int:
        async with transaction(sessions) as session:
            for _ in range(count):
                await file_entry(
                    session, SYSTEM, patient_id=cast.patient.id, resource=observation(1), title="W", effective_at=now()
                )
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            statements.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            await rural.get(
                f"/fhir/Observation?patient={cast.patient.id}&_include=Observation:subject"
                "&_include=Observation:encounter&_count=100"
            )
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(statements)

    await rural.get("/fhir/Patient")
    assert await asked(2) == await asked(30)
