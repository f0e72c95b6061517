"""Searching images over QIDO-RS in an archive of a region's size: row-level security, token and audit included."""

import random
import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import orjson
import psycopg

from teleconsult.access import Purpose
from teleconsult.embedded import DatabaseUrls
from tests.bench.file import FAMILIES, FOLDED, GIVEN, PEOPLE, timed
from tests.bench.images.measuring import Row, Side
from tests.bench.images.stand import Sizes
from tests.bench.images.stowing import DICOM_JSON
from tests.bench.running import Installation, installation
from tests.people import Cast

PATIENTS: Final = 2000
"""All treated by the doctor who asks."""
_GOAL: Final = 20
"""Milliseconds that 95 of 100 searches for 25 may take."""
SLICES: Final = 400
"""Of the first study; the others have one."""

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


async def archive(sizes: Sizes) -> list[Row]:
    """Each question many times, always about something else; alone, as the other side would take days to fill."""
    async with installation(partial(fill, studies=sizes.archive)) as running:
        told = await measure(running, sizes)
    return [
        Row(
            f"QIDO-RS, {name} of {sizes.archive:,} studies",
            f"median {median:.1f} ms, p95 {worst:.1f} ms",
            goal=f"p95 ≤ {_GOAL} ms" if (has_goal := name.startswith("25")) else "–",
            holds=worst <= _GOAL if has_goal else None,
        )
        for name, median, worst in told
    ]


def fill(urls: DatabaseUrls, cast: Cast, *, studies: int) -> None:
    """By SQL, as the owner; then what the planner must know."""
    numbers = {f"0008{1000 + at:04d}": {"vr": "DS", "Value": [at * 1.5]} for at in range(120)}
    told = {
        "patients": PATIENTS,
        "treated": PATIENTS,
        "studies": studies,
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


async def measure(running: Installation, sizes: Sizes) -> list[tuple[str, float, float]]:
    """What is asked; median and 95th percentile in milliseconds."""
    drawn = random.Random(1)
    bearer = await running.bearer(Purpose.IMAGES)
    async with Side("ours", f"{running.site.url}/dicomweb", bearer).client(Accept=DICOM_JSON) as viewer:

        def asking(path: Callable[[], str]) -> Callable[[], Awaitable[None]]:
            async def ask() -> None:
                answer = await viewer.get(path())
                assert answer.status_code in (200, 204), (path(), answer.text[:300])

            return ask

        questions = {
            "25, the latest": lambda: "/studies?limit=25",
            "25, of a name": lambda: f"/studies?limit=25&PatientName={drawn.choice(FAMILIES)}{drawn.randint(1, 9)}*",
            "25, of a name, fuzzy": lambda: f"/studies?limit=25&fuzzymatching=true&PatientName={drawn.choice(GIVEN)}",
            "a patient by number": lambda: f"/studies?limit=25&PatientID=B{drawn.randint(1, PATIENTS)}",
            "by accession number": lambda: f"/studies?AccessionNumber=A{drawn.randint(1, sizes.archive)}",
            "one day": lambda: f"/studies?limit=25&StudyDate=2015{drawn.randint(1, 12):02d}{drawn.randint(1, 28):02d}",
            "500, the latest": lambda: "/studies?limit=500",
            "400 instances of one": lambda: "/studies/1.2.826.0.1.1/instances",
        }
        return [(name, *await timed(asking(path), runs=sizes.asked)) for name, path in questions.items()]
