"""The viewer's page and what it fetches: quick, exact, private."""

import gzip
import json
import uuid
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from PIL import Image
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.objects import new_key
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.kept_rows import KeptRows
from tests.people import Cast
from tests.teleconsult.imaging.files import HEAD, REAL
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]

CT = pydicom.dcmread(HEAD)
US = pydicom.dcmread(REAL / "examples_ybr_color.dcm", stop_before_pixels=True)
BROKEN = pydicom.dcmread(REAL / "JPEG2000-embedded-sequence-delimiter.dcm", stop_before_pixels=True)
REPORT = pydicom.dcmread(REAL / "test-SR.dcm", stop_before_pixels=True)


@pytest.fixture
async def shared(cast: Cast, sessions: Sessions, settings: Settings, kept_rows: KeptRows) -> None:
    """A submitted consult with a head, a moving ultrasound, a broken picture and a report, all confirmed."""

    async def made() -> None:
        from teleconsult.imaging.actions import reconcile_study

        consult = await consult_steps.submitted(cast, sessions)
        names = (
            "J2K_pixelrep_mismatch.dcm",
            "examples_ybr_color.dcm",
            "JPEG2000-embedded-sequence-delimiter.dcm",
            "test-SR.dcm",
        )
        Path(settings.data).mkdir(parents=True, exist_ok=True)
        async with door(sessions, settings.data) as opened:
            await opened.bring(cast.rural, consult.id, *[(REAL / name).read_bytes() for name in names])
        async with transaction(sessions) as session:
            for study in await session.scalars(select(ImagingStudy)):
                await reconcile_study(session, cast.rural, study_id=study.id)

    await kept_rows.begin("web_studies", made, files=settings.data)


def frame_of(ds: pydicom.Dataset, frame: int, what: str) -> str:
    return f"/studies/{ds.StudyInstanceUID}/instances/{ds.SOPInstanceUID}/frames/{frame}/{what}"


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("who", ["rural", "specialist"])
async def test_the_page_shows_the_first_picture_without_a_script(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    page = await (await client.get(f"/studies/{CT.StudyInstanceUID}")).text()
    for testid in ("viewer", "viewer-image"):
        assert f'data-testid="{testid}"' in page
    assert frame_of(CT, 1, "rendered") in page
    assert "<html" in page


@pytest.mark.usefixtures("shared")
async def test_beside_a_call_it_is_a_frame(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    answer = await client.get(f"/studies/{CT.StudyInstanceUID}", headers={"Turbo-Frame": "study"})
    text = await answer.text()
    assert '<turbo-frame id="study">' in text
    assert "<html" not in text


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("opened_first", [True, False])
async def test_opening_is_audited_once_by_its_page_or_by_its_first_frame(
    client: Client, signed_in: SignIn, sessions: Sessions, opened_first: bool
) -> None:
    await signed_in("specialist")
    if opened_first:
        await client.get(f"/studies/{CT.StudyInstanceUID}")
    for what in ("rendered", "pixels"):
        assert (await client.get(frame_of(CT, 1, what))).status == 200
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(AuditEvent.action == "study-opened")) == 1


@pytest.mark.usefixtures("shared")
async def test_a_frame_of_another_establishments_study_of_the_same_uid_is_an_opening_too(
    client: Client, signed_in: SignIn, sessions: Sessions, cast: Cast
) -> None:
    here, there = await same_study_elsewhere(sessions, cast)
    await signed_in("specialist")
    await client.get(f"/studies/{CT.StudyInstanceUID}?id={here}")
    for study in (here, there, there):
        assert (await client.get(f"{frame_of(CT, 1, 'rendered')}?id={study}")).status == 200
    await client.get(frame_of(CT, 1, "rendered"))  # without an id it is the newest of them
    async with transaction(sessions) as session:
        opened = await session.scalars(select(AuditEvent.entity_id).where(AuditEvent.action == "study-opened"))
        assert list(opened) == [here, there]


async def same_study_elsewhere(sessions: Sessions, cast: Cast) -> tuple[uuid.UUID, uuid.UUID]:
    """The head, and the same as another establishment shares it; what was drawn of the one does for the other."""
    async with transaction(sessions) as session:
        of_head = ImagingStudy.study_instance_uid == CT.StudyInstanceUID
        here = await session.scalar(select(ImagingStudy).where(of_head))
        one = await session.scalar(select(ImagingInstance).where(ImagingInstance.sop_instance_uid == CT.SOPInstanceUID))
        excerpt_id = await session.scalar(select(Excerpt.id))
        assert here and one and excerpt_id
        house, uid = cast.nurse_elsewhere.organization_id, str(CT.StudyInstanceUID)
        there = ImagingStudy(
            organization_id=house, patient_id=cast.strangers_patient.id, study_instance_uid=uid, created_at=now()
        )
        session.add(there)
        await session.flush()
        series = ImagingSeries(imaging_study_id=there.id, series_instance_uid=CT.SeriesInstanceUID, modality="CT")
        session.add_all((series, ExcerptStudy(excerpt_id=excerpt_id, imaging_study_id=there.id)))
        await session.flush()
        names = ("sop_instance_uid", "sop_class_uid", "transfer_syntax_uid", "frames", "rows", "columns", "size")
        same = {name: getattr(one, name) for name in (*names, "sha256", "number")}
        session.add(
            ImagingInstance(
                organization_id=house,
                imaging_series_id=series.id,
                object_key=new_key("dicom"),
                created_at=now(),
                **same,
            )
        )
        return here.id, there.id


@pytest.mark.usefixtures("shared")
async def test_pixels_are_exact(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    answer = await client.get(frame_of(CT, 1, "pixels"), auto_decompress=False)  # type: ignore[call-arg]  # passed on
    body = await answer.read()
    if answer.headers["Content-Encoding"] == "gzip" and body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    description = json.loads(answer.headers["Pixel-Description"])
    assert (description["rows"], description["type"], description["window_width"]) == (512, "int16", 100)
    assert np.array_equal(np.frombuffer(body, "<i2").reshape(512, 512), CT.pixel_array)
    assert "private" in answer.headers["Cache-Control"]
    assert answer.headers["Vary"] == "Cookie"


@pytest.mark.usefixtures("shared")
async def test_a_picture_under_a_window(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    brain, bone = [
        Image.open(BytesIO(await (await client.get(frame_of(CT, 1, "rendered"), params={"window": window})).read()))
        for window in ("40,80", "480,2500")
    ]
    assert (brain.format, brain.size) == ("WEBP", (512, 512))
    assert np.asarray(brain.convert("L")).mean() != np.asarray(bone.convert("L")).mean()
    small = await client.get(frame_of(CT, 1, "rendered"), params={"size": "128"})
    assert Image.open(BytesIO(await small.read())).size == (128, 128)


@pytest.mark.usefixtures("shared")
async def test_a_browser_that_has_it_is_told_so(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    for what in ("rendered", "pixels"):
        first = await client.get(frame_of(CT, 1, what))
        again = await client.get(frame_of(CT, 1, what), headers={"If-None-Match": first.headers["ETag"]})
        assert again.status == 304
        other = await client.get(frame_of(US, 2, what), headers={"If-None-Match": first.headers["ETag"]})
        assert other.status == 200


@pytest.mark.usefixtures("shared")
async def test_every_frame_of_a_moving_picture(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    assert (await client.get(frame_of(US, 30, "rendered"))).status == 200
    for frame in (0, 31, 999999):
        assert (await client.get(frame_of(US, frame, "rendered"))).status == 404


@pytest.mark.usefixtures("shared")
async def test_what_cannot_be_shown_says_so(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    for ds in (BROKEN, REPORT):
        for what in ("rendered", "pixels"):
            answer = await client.get(frame_of(ds, 1, what))
            assert answer.status == 406
            assert (await answer.json())["error"].endswith(".")
        assert (await client.get(f"/studies/{ds.StudyInstanceUID}")).status == 200


@pytest.mark.usefixtures("shared")
async def test_the_thumbnail(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    answer = await client.get(f"/studies/{CT.StudyInstanceUID}/thumbnail")
    assert max(Image.open(BytesIO(await answer.read())).size) == 256
    assert (await client.get(f"/studies/{REPORT.StudyInstanceUID}/thumbnail")).status == 404


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    "query", ["window=1", "window=a,b", "window=nan,5", "window=5,0", "window=1,2,3", "size=7", "size=x"]
)
async def test_a_wrong_question(client: Client, signed_in: SignIn, query: str) -> None:
    await signed_in("specialist")
    assert (await client.get(f"{frame_of(CT, 1, 'rendered')}?{query}")).status == 422


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_nobody_else_learns_that_it_is_there(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    for path in (
        f"/studies/{CT.StudyInstanceUID}",
        f"/studies/{CT.StudyInstanceUID}/thumbnail",
        frame_of(CT, 1, "rendered"),
        frame_of(CT, 1, "pixels"),
    ):
        assert (await client.get(path)).status == 404


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("path", ["1.2.3", "%2e%2e%2fetc", "x?id=y", "1.2.3?id=00000000-0000-0000-0000-000000000000"])
async def test_an_unknown_study(client: Client, signed_in: SignIn, path: str) -> None:
    await signed_in("rural")
    assert (await client.get(f"/studies/{path}")).status == 404
