"""Measurements that are kept with a study: written as a report, read again, for whom they are."""

import uuid
from io import BytesIO
from pathlib import Path
from typing import Any

import highdicom.sr
import pydicom
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydicom.sr.codedict import codes
from sqlalchemy import func, select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.kept_rows import KeptRows
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]

STUDY, SERIES, IMAGE = "1.2.840.1", "1.2.840.1.1", "1.2.840.1.1.1"
PATH = f"/studies/{STUDY}/measurements"
LENGTH = {"kind": "length", "series": SERIES, "sop": IMAGE, "frame": 1, "points": [[2, 2], [2, 12]]}
ANGLE = LENGTH | {"kind": "angle", "points": [[2, 2], [2, 12], [12, 12]]}
GREY = [
    {"quantity": "mean", "value": 40.5, "unit": "HU"},
    {"quantity": "min", "value": -5, "unit": "HU"},
    {"quantity": "max", "value": 80, "unit": "HU"},
]
AREA = LENGTH | {"kind": "area", "points": [[2, 4], [12, 8]], "values": GREY}


@pytest.fixture
async def shared(cast: Cast, sessions: Sessions, settings: Settings, kept_rows: KeptRows) -> None:
    """An accepted consult with one slice of half by a quarter of a millimetre."""

    async def made() -> None:
        consult = await consult_steps.accepted(cast, sessions)
        Path(settings.data).mkdir(parents=True, exist_ok=True)
        image = dicom_bytes(
            StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID=IMAGE, PixelSpacing=[0.5, 0.25]
        )
        async with door(sessions, settings.data) as opened:
            await opened.bring(cast.rural, consult.id, image)

    await kept_rows.begin("web_measurements", made, files=settings.data)


async def keep(client: Client, *marks: dict[str, Any], key: str | None = None) -> tuple[int, Any]:
    return await post(client, {"key": key or str(uuid.uuid4()), "marks": list(marks)})


async def post(client: Client, content: object) -> tuple[int, Any]:
    page = await (await client.get("/")).text()
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    headers = {"Accept": "application/json", "X-CSRF-Token": token}
    answer = await client.post(PATH, json=content, headers=headers)
    return answer.status, await answer.json()


async def reports(sessions: Sessions, settings: Settings) -> list[pydicom.Dataset]:
    objects = Objects(open_store(None, settings.data))
    async with transaction(sessions) as session:
        keys = await session.scalars(
            select(ImagingInstance.object_key)
            .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
            .where(ImagingSeries.modality == "SR")
        )
    return [pydicom.dcmread(BytesIO(await objects.get(key))) for key in keys]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("who", ["rural", "specialist"])
async def test_what_is_kept_is_shown_again_with_who(client: Client, signed_in: SignIn, cast: Cast, who: str) -> None:
    await signed_in(who)
    status, told = await keep(client, LENGTH, ANGLE, AREA)
    assert (status, told["kept"]) == (201, 3)
    length, angle, area = (await (await client.get(PATH)).json())["marks"]
    assert length["values"] == [{"quantity": "length", "value": 5, "unit": "mm"}]
    assert length["graphic"] == [{"x": 2, "y": 2}, {"x": 2, "y": 12}]
    assert (length["series"], length["sop"], length["frame"]) == (SERIES, IMAGE, 1)
    assert length["by"] == getattr(cast, who).name
    assert length["at"][-6] in "+-"
    assert {length["report"], area["report"]} == {told["report"]}
    assert angle["values"] == [{"quantity": "angle", "value": 90, "unit": "deg"}]
    assert [one["quantity"] for one in area["values"]] == ["area", "mean", "min", "max"]
    assert area["values"][0]["value"] == pytest.approx(3.14159265 / 4 * 2.5 * 2)
    assert area["values"][1] == GREY[0]
    assert area["graphic"][0] == pytest.approx(area["graphic"][-1])


@pytest.mark.usefixtures("shared")
async def test_the_report_is_read_by_another_library(
    client: Client, signed_in: SignIn, sessions: Sessions, settings: Settings
) -> None:
    await signed_in("specialist")
    await keep(client, LENGTH, ANGLE, AREA)
    (file,) = await reports(sessions, settings)
    assert (file.StudyInstanceUID, str(file.PatientName), file.PatientID) == (STUDY, "Bélanger^Rose", "X1")
    (evidence,) = file.CurrentRequestedProcedureEvidenceSequence
    assert evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == IMAGE
    report = highdicom.sr.ComprehensiveSR.from_dataset(file)
    assert isinstance(report.content, highdicom.sr.MeasurementReport)
    (region,) = report.content.get_planar_roi_measurement_groups(graphic_type=highdicom.sr.GraphicTypeValues.ELLIPSE)
    (area,) = region.get_measurements(name=codes.SCT.Area)
    assert area.unit.value == "mm2"
    assert area.value == pytest.approx(3.926990817)
    groups = report.content.get_image_measurement_groups()
    names = [(one.name.value, one.value, one.unit.value) for group in groups for one in group.get_measurements()]
    assert names == [("410668003", 5, "mm"), ("1483009", 90, "deg")]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    "told",
    [
        {},
        {"00100020": {"vr": "LO", "Value": [5]}, "00100010": {"Value": [None]}, "00081030": {"vr": "SQ"}},
        {"00080020": {"vr": "DA", "Value": ["2026.03.01"]}, "00080030": {"vr": "TM", "Value": ["25"]}},
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A=\\B" * 99, "Phonetic": "や"}]}},
        {"00100020": {"vr": "LO", "Value": ["a\\b\x01"]}, "00100040": {"vr": "CS", "Value": ["female"]}},
    ],
)
async def test_whatever_strangers_wrote_of_the_patient(
    client: Client, signed_in: SignIn, sessions: Sessions, told: dict[str, Any]
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(ImagingStudy).values(attributes=told))
    await signed_in("specialist")
    assert (await keep(client, LENGTH))[0] == 201


@pytest.mark.usefixtures("shared")
async def test_the_same_again_keeps_nothing_twice(client: Client, signed_in: SignIn, sessions: Sessions) -> None:
    await signed_in("specialist")
    key = str(uuid.uuid4())
    status, told = await keep(client, LENGTH, key=key)
    assert status == 201
    assert await keep(client, LENGTH, key=key) == (200, told | {"kept": 0})
    assert len((await (await client.get(PATH)).json())["marks"]) == 1
    async with transaction(sessions) as session:
        kept = select(func.count()).where(AuditEvent.action == "measurements-kept")
        assert await session.scalar(kept) == 1
        study = await session.scalar(select(ImagingStudy))
        assert study is not None
        assert (study.number_of_series, study.number_of_instances) == (2, 2)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    "wrong",
    [
        {"sop": "1.2.3"},
        {"frame": 2},
        {"frame": 0},
        {"frame": "1"},
        {"points": [[2, 2], [2, 17]]},
        {"points": [[2, 2], [-1, 2]]},
        {"points": [[2, 2], [2, 2]]},
        {"points": [[2, 2]]},
        {"points": [[2, 2], [3, 3], [4, 4]]},
        {"points": [[2, 2], [2, True]]},
        {"points": [[2, 2], [2, 1e300]]},
        {"points": "x"},
        {"kind": "volume"},
        {"kind": "area", "points": [[2, 2], [2, 8]]},
        {"values": [{"quantity": "mean", "value": None, "unit": "HU"}]},
        {"values": [{"quantity": "mean", "value": 1, "unit": "furlong"}]},
    ],
)
async def test_what_does_not_lie_on_an_image(
    client: Client, signed_in: SignIn, sessions: Sessions, settings: Settings, wrong: dict[str, Any]
) -> None:
    await signed_in("specialist")
    assert (await keep(client, LENGTH | wrong))[0] == 422
    assert await reports(sessions, settings) == []


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("marks", [[], [LENGTH] * 201, {}, None, [1]])
async def test_a_list_that_is_none(client: Client, signed_in: SignIn, marks: object) -> None:
    await signed_in("specialist")
    assert (await post(client, {"key": str(uuid.uuid4()), "marks": marks}))[0] == 422


@pytest.mark.usefixtures("shared")
async def test_grey_values_stand_only_where_their_unit_is_known(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    await keep(client, AREA | {"values": GREY[:1]})
    (area,) = (await (await client.get(PATH)).json())["marks"]
    assert [one["quantity"] for one in area["values"]] == ["area"]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_nobody_else_keeps_or_sees_any(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    assert (await client.get(PATH)).status == 404
    assert (await keep(client, LENGTH))[0] == 404


async def test_before_anybody_answers_there_is_nobody_to_keep_them_for(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, draft.id, dicom_bytes(StudyInstanceUID=STUDY, SOPInstanceUID=IMAGE))
    await signed_in("rural")
    assert (await keep(client, LENGTH))[0] == 403
    assert (await (await client.get(PATH)).json()) == {"marks": []}


@pytest.mark.usefixtures("shared")
async def test_two_studies_beside_each_other_have_a_list_each(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    alone = await (await client.get(f"/studies/{STUDY}")).text()
    beside = await (await client.get(f"/studies/{STUDY}", headers={"Turbo-Frame": "beside"})).text()
    for page, name in ((alone, "viewer-marks"), (beside, "viewer-marksbeside")):
        assert page.count(f'popovertarget="{name}"') == 2  # one opens it, one closes it
        assert f'<dialog class="dialog" id="{name}"' in page


@pytest.mark.usefixtures("shared")
async def test_the_report_is_no_series_of_the_viewer(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    await keep(client, LENGTH)
    page = await (await client.get(f"/studies/{STUDY}")).text()
    assert page.count('data-viewer-target="series"') == 1
