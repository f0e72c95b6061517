"""Finding a patient, opening a file, asking by FHIR, in a database of a region's size: `python -m tests.bench.file`.

`BENCH_PATIENTS` and `BENCH_ENTRIES` say how many; by default a twentieth of a region. Pages are asked over HTTP of a
server of its own, sign-in, row-level security and audit included.
"""

import asyncio
import hashlib
import os
import random
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

import httpx
import psycopg

from teleconsult.access import Purpose
from teleconsult.embedded import DatabaseUrls
from tests.bench.running import Installation, installation
from tests.people import PASSWORD, Cast

PATIENTS: Final = int(os.environ.get("BENCH_PATIENTS", "5000"))
ENTRIES: Final = int(os.environ.get("BENCH_ENTRIES", "250000"))
TREATED: Final = 200
RUNS: Final = int(os.environ.get("BENCH_RUNS", "200"))
GOALS: Final = {
    "patient search": 50,
    "opening a file": 100,
    "opening a file of 10,000": 100,
    "its values over time": 100,
    "FHIR by patient": 50,
}
"""Milliseconds that 95 of 100 may take."""

FAMILIES: Final = ("Bélanger", "Tremblay", "Gagnon", "Roy", "Côté", "Bouchard", "Gauthier", "Morin", "Lavoie", "Fortin")
FOLDED: Final = ("belanger", "tremblay", "gagnon", "roy", "cote", "bouchard", "gauthier", "morin", "lavoie", "fortin")
GIVEN: Final = ("Rose", "Luc", "Anne", "Marc", "Sylvie", "Jean", "Denis", "Carole", "Yves", "Louise")

PEOPLE: Final = """
insert into person (id, created_at) select md5('person' || n)::uuid, now() from generate_series(1, %(patients)s) n;
insert into patient (id, organization_id, person_id, local_number, family, given, family_folded, given_folded,
  birth_date, gender, phone, address, is_temporary, found_where, created_at, updated_at)
select md5('patient' || n)::uuid, %(house)s, md5('person' || n)::uuid, 'B' || n,
  (%(families)s::text[])[1 + n %% 10] || n / 100, (%(given)s::text[])[1 + n / 10 %% 10],
  (%(folded)s::text[])[1 + n %% 10] || n / 100, lower((%(given)s::text[])[1 + n / 10 %% 10]),
  date '1930-01-01' + n %% 30000, 'female', '', '', false, '', now(), now()
from generate_series(1, %(patients)s) n;
insert into care_relation (id, patient_id, practitioner_role_id, reason, started_at)
select gen_random_uuid(), md5('patient' || n)::uuid, %(role)s, 'consultation', now()
from generate_series(1, %(treated)s) n;
"""
FILES: Final = """
insert into record_entry (id, patient_id, organization_id, resource_type, status, version, effective_at, recorded_at,
  author_name, title, resource, code_system, code, value, unit, category, searched)
select md5('entry' || n)::uuid, md5('patient' || 1 + case when n <= 10000 then 0 else n %% %(patients)s end)::uuid,
  %(house)s, kind, 'current', 1, now() - n * interval '1 minute' / 4, now(), 'Dr Hélène Tremblay', title,
  jsonb_build_object('resourceType', kind, 'status', 'final', 'id', md5('entry' || n)::uuid,
    'subject', jsonb_build_object('reference',
      'Patient/' || md5('patient' || 1 + case when n <= 10000 then 0 else n %% %(patients)s end)::uuid),
    'code', jsonb_build_object('text', title, 'coding',
      jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', code))),
    'valueQuantity', jsonb_build_object('value', n %% 200, 'unit', 'mmol/L')),
  'http://loinc.org', code, n %% 200, 'mmol/L', 'laboratory', lower(title)
from generate_series(%(first)s::int, %(last)s::int) n,
  lateral (select (array['Observation', 'Observation', 'Observation', 'Condition', 'MedicationStatement',
    'Encounter', 'DiagnosticReport'])[1 + n %% 7] as kind,
    (array['2345-7', '2951-2', '2823-3', '718-7'])[1 + n %% 4] as code,
    (array['Glucose', 'Sodium', 'Potassium', 'Hémoglobine'])[1 + n %% 4] as title) as drawn
"""


async def main() -> None:
    """Fill, ask, print one table."""
    print(f"{PATIENTS:,} patients, {ENTRIES:,} entries", flush=True)
    async with installation(fill) as running:
        rows = await measure(running)
    width = max(len(name) for name, *_ in rows)
    for name, median, worst in rows:
        print(f"{name:{width}}  median {median:5.1f} ms, 95 of 100 within {worst:5.1f} ms of {GOALS[name]}")


def fill(urls: DatabaseUrls, cast: Cast) -> None:
    """By SQL, as the owner; then what the planner must know."""
    told = {
        "patients": PATIENTS,
        "treated": TREATED,
        "house": cast.rural.organization_id,
        "role": cast.rural.role_id,
        "families": list(FAMILIES),
        "given": list(GIVEN),
        "folded": list(FOLDED),
    }
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        cursor = psycopg.ClientCursor(owner)
        cursor.execute(PEOPLE, told)
        for first in range(1, ENTRIES + 1, 100_000):
            cursor.execute(FILES, {**told, "first": first, "last": min(first + 99_999, ENTRIES)})
        cursor.execute("vacuum analyze")


async def measure(running: Installation) -> list[tuple[str, float, float]]:
    """Each question `RUNS` times, every time about somebody else."""
    drawn = random.Random(1)
    site, cast = running.site, running.cast
    bearer = await running.bearer(Purpose.FILES)
    machine_headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/fhir+json"}
    async with (
        httpx.AsyncClient(base_url=site.url, timeout=30, headers={"Accept": "text/html"}) as doctor,
        httpx.AsyncClient(base_url=site.url, timeout=30, headers=machine_headers) as machine,
    ):
        form = {"email": cast.emails["rural"], "password": PASSWORD}
        assert (await doctor.post("/sign-in", data=form, headers={"Origin": site.url})).status_code == 303

        async def page(path: str) -> None:
            answer = await doctor.get(path)
            assert answer.status_code == 200, (path, answer.status_code)

        async def search() -> None:
            await page(f"/patients?q={drawn.choice(FAMILIES)[:4]} {drawn.choice(GIVEN)[:3]}")

        async def open_file() -> None:
            await page(f"/patients/{patient_id(drawn.randint(2, TREATED))}")

        async def open_longest() -> None:
            await page(f"/patients/{patient_id(1)}")

        async def charts() -> None:
            await page(f"/patients/{patient_id(1)}/measures")

        async def fhir() -> None:
            query = {"patient": patient_id(drawn.randint(1, TREATED)), "_count": "50", "code": "2345-7"}
            answer = await machine.get("/fhir/Observation", params=query)
            assert answer.status_code == 200, answer.text[:300]

        questions: dict[str, Callable[[], Awaitable[None]]] = {
            "patient search": search,
            "opening a file": open_file,
            "opening a file of 10,000": open_longest,
            "its values over time": charts,
            "FHIR by patient": fhir,
        }
        return [(name, *await timed(ask)) for name, ask in questions.items()]


async def timed(ask: Callable[[], Awaitable[None]], *, runs: int = RUNS) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds; the first ten warm up."""
    waits = []
    for run in range(runs + 10):
        began = time.perf_counter()
        await ask()
        if run >= 10:
            waits.append((time.perf_counter() - began) * 1000)
    return statistics.median(waits), statistics.quantiles(waits, n=20)[18]


def patient_id(number: int) -> str:
    """As the SQL above draws it."""
    return str(uuid.UUID(hashlib.md5(f"patient{number}".encode(), usedforsecurity=False).hexdigest()))


if __name__ == "__main__":
    asyncio.run(main())
