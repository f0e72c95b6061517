"""Searching images over QIDO-RS in an archive of a region's size: `python -m tests.bench.images`.

`BENCH_STUDIES` says how many studies there are; `BENCH_TREATED` how many of the 2,000 patients the doctor who asks
treats. Asked over HTTP of a server of its own, with a bearer token, row-level security and audit.
"""

import asyncio
import os
import random
import tempfile
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import httpx
import orjson
import psycopg

from migrations import migrate
from teleconsult.access import Purpose
from teleconsult.db import Sessions, make_engine, make_sessions, transaction
from teleconsult.embedded import DatabaseUrls, embedded_postgresql
from tests.bench.file import FAMILIES, GIVEN, PEOPLE, timed
from tests.browser.site import Site
from tests.people import Cast, bearer_of, make_cast

STUDIES: Final = int(os.environ.get("BENCH_STUDIES", "100000"))
PATIENTS: Final = 2000
TREATED: Final = int(os.environ.get("BENCH_TREATED", "2000"))
SLICES: Final = 400
"""Of the first study; the others have one."""
FOLDED: Final = ("belanger", "tremblay", "gagnon", "roy", "cote", "bouchard", "gauthier", "morin", "lavoie", "fortin")

ARCHIVE: Final = """
insert into imaging_study (id, organization_id, patient_id, study_instance_uid, accession_number, description,
  modalities, header_patient_name, header_patient_id, identity_differs, created_at, folded_name, study_date, study_time,
  study_identifier, attributes, number_of_series, number_of_instances)
select md5('study' || n)::uuid, %(house)s, patient.id, '1.2.826.0.1.' || n, 'A' || n, 'Tête', array['CT'],
  patient.family || '^' || patient.given, patient.local_number, false, now(),
  patient.family_folded || ' ' || patient.given_folded, to_char(date '2010-01-01' + n %% 5800, 'YYYYMMDD'),
  lpad((n %% 240000)::text, 6, '0'), n::text,
  jsonb_build_object('00080005', '{"vr": "CS", "Value": ["ISO_IR 192"]}'::jsonb,
    '00080020', jsonb_build_object('vr', 'DA', 'Value', array[to_char(date '2010-01-01' + n %% 5800, 'YYYYMMDD')]),
    '00080050', jsonb_build_object('vr', 'SH', 'Value', array['A' || n]),
    '00081030', '{"vr": "LO", "Value": ["Tête sans contraste"]}'::jsonb,
    '00100010', jsonb_build_object('vr', 'PN', 'Value',
      jsonb_build_array(jsonb_build_object('Alphabetic', patient.family || '^' || patient.given))),
    '00100020', jsonb_build_object('vr', 'LO', 'Value', array[patient.local_number])),
  1, case n when 1 then %(slices)s else 1 end
from generate_series(1, %(studies)s) n join patient on patient.id = md5('patient' || 1 + n %% %(patients)s)::uuid;
insert into imaging_series (id, imaging_study_id, series_instance_uid, modality, number, description, body_part,
  attributes, number_of_instances)
select md5('series' || n)::uuid, md5('study' || n)::uuid, '1.2.826.0.2.' || n, 'CT', 1, 'Axial', 'HEAD', '{}',
  case n when 1 then %(slices)s else 1 end
from generate_series(1, %(studies)s) n;
insert into imaging_instance (id, organization_id, imaging_series_id, sop_instance_uid, sop_class_uid,
  transfer_syntax_uid, number, rows, columns, frames, not_displayable_because, size, sha256, object_key, created_at,
  dicom_json)
select gen_random_uuid(), %(house)s,
  md5('series' || case when n <= %(slices)s then 1 else n - %(slices)s + 1 end)::uuid,
  '1.2.826.0.3.' || n, '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', n, 512, 512, 1, '', 526000, '\\x00',
  'dicom/' || n, now(), %(told)s
from generate_series(1, %(studies)s + %(slices)s - 1) n;
"""


async def main() -> None:
    """Fill, ask, print one table."""
    with tempfile.TemporaryDirectory() as folder, embedded_postgresql(Path(folder)) as urls:
        migrate(urls.owner)
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        async with transaction(sessions) as session:
            cast = await make_cast(session)
        began = time.monotonic()
        fill(urls, cast)
        print(
            f"{STUDIES:,} studies, filled in {time.monotonic() - began:.0f} s; {TREATED} patients treated", flush=True
        )
        site = Site(urls, Path(folder) / "data")
        try:
            site.wait_until_ready()
            rows = await measure(site, cast, sessions)
        finally:
            site.stop()
            await engine.dispose()
    width = max(len(name) for name, *_ in rows)
    for name, median, worst in rows:
        print(f"{name:{width}}  median {median:5.1f} ms, 95 of 100 within {worst:5.1f} ms")


def fill(urls: DatabaseUrls, cast: Cast) -> None:
    """By SQL, as the owner; then what the planner must know."""
    numbers = {f"0008{1000 + at:04d}": {"vr": "DS", "Value": [at * 1.5]} for at in range(120)}
    told = {
        "patients": PATIENTS,
        "treated": TREATED,
        "studies": STUDIES,
        "slices": SLICES,
        "house": cast.rural.organization_id,
        "role": cast.rural.role_id,
        "families": list(FAMILIES),
        "given": list(GIVEN),
        "folded": list(FOLDED),
        "told": zlib.compress(orjson.dumps(numbers)),
    }
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        cursor = psycopg.ClientCursor(owner)
        cursor.execute(PEOPLE, told)
        cursor.execute(ARCHIVE, told)
        cursor.execute("vacuum analyze")


async def measure(site: Site, cast: Cast, sessions: Sessions) -> list[tuple[str, float, float]]:
    """Each question many times, always about something else."""
    drawn = random.Random(1)
    async with transaction(sessions) as session:
        bearer = await bearer_of(session, cast.rural, Purpose.IMAGES)
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/dicom+json"}
    async with httpx.AsyncClient(base_url=f"{site.url}/dicomweb", timeout=30, headers=headers) as viewer:

        def asking(path: Callable[[], str]) -> Callable[[], Awaitable[None]]:
            async def ask() -> None:
                answer = await viewer.get(path())
                assert answer.status_code in (200, 204), (path(), answer.text[:300])

            return ask

        questions = {
            "the latest 25": lambda: "/studies?limit=25",
            "25 of a name": lambda: f"/studies?limit=25&PatientName={drawn.choice(FAMILIES)}{drawn.randint(1, 9)}*",
            "25 of a name, fuzzy": lambda: f"/studies?limit=25&fuzzymatching=true&PatientName={drawn.choice(GIVEN)}",
            "a patient by number": lambda: f"/studies?limit=25&PatientID=B{drawn.randint(1, PATIENTS)}",
            "by accession number": lambda: f"/studies?AccessionNumber=A{drawn.randint(1, STUDIES)}",
            "one day": lambda: f"/studies?limit=25&StudyDate=2015{drawn.randint(1, 12):02d}{drawn.randint(1, 28):02d}",
            "the latest 500": lambda: "/studies?limit=500",
            "series of a study": lambda: f"/studies/1.2.826.0.1.{readable_study(drawn)}/series",
            "400 instances": lambda: "/studies/1.2.826.0.1.1/instances",
            "metadata of 400 instances": lambda: "/studies/1.2.826.0.1.1/metadata",
        }
        return [(name, *await timed(asking(path))) for name, path in questions.items()]


def readable_study(drawn: random.Random) -> int:
    """The number of a study of one of the patients who are treated."""
    return max(drawn.randrange(STUDIES // PATIENTS) * PATIENTS + drawn.randrange(TREATED), 1)


if __name__ == "__main__":
    asyncio.run(main())
