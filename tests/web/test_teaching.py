"""A study taken out for teaching: by whom, with what proof, what leaves, and what is written down of it."""

import asyncio
import csv
import io
import json
import os
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydicom import dcmread
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging import teaching
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door
from tests.web.test_admin_people import wait_three_minutes
from web.uploads import ABANDONED_SECONDS, sweep_uploads

Client = TestClient[web.Request, web.Application]
ADDRESS = "/studies/1.2.840.1/teaching"
WANTED = {"words": "The stroke course", "allowed": "yes"}


@pytest.fixture
async def study(cast: Cast, sessions: Sessions, settings: Settings) -> AsyncIterator[None]:
    """Two slices and a capture with words in it."""
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    ids: dict[str, Any] = {"StudyInstanceUID": "1.2.840.1", "SeriesInstanceUID": "1.2.840.1.1"}
    contents = [dicom_bytes(**ids, InstanceNumber=number) for number in (1, 2)]
    contents.append(dicom_bytes(StudyInstanceUID="1.2.840.1", SOPClassUID="1.2.840.10008.5.1.4.1.1.7"))
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, *contents)
    yield


async def taken(sessions: Sessions) -> list[AuditEvent]:
    async with transaction(sessions) as session:
        wanted = select(AuditEvent).where(AuditEvent.action == "study-taken-for-teaching")
        return list(await session.scalars(wanted))


async def eventually_gone(folder: Path) -> None:
    """Nothing stays behind: the server throws away what it made once it has sent the last of it."""
    end = time.monotonic() + 10
    while list(folder.glob("upload-*")):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


@pytest.mark.usefixtures("study")
async def test_the_images_leave_without_names_and_with_a_report(
    client: Client, post: Post, signed_in: SignIn, sessions: Sessions, settings: Settings
) -> None:
    await signed_in("specialist")
    assert 'data-testid="teaching-form"' in await (await client.get(ADDRESS)).text()
    answer = await post(ADDRESS, **WANTED)
    assert (answer.status, answer.content_type) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert archive.namelist() == ["images/00001.dcm", "images/00002.dcm", "report.csv"]
    slices = [dcmread(io.BytesIO(archive.read(name))) for name in archive.namelist()[:2]]
    assert len({one.SeriesInstanceUID for one in slices}) == 1
    assert {str(one.PatientName) for one in slices} == {"Teaching^Case"}
    report = list(csv.reader(io.StringIO(archive.read("report.csv").decode())))
    assert ["(0008,1030) StudyDescription", "removed", "2"] in report
    assert ["image", "left out: burned-in", "1"] in report
    [event] = await taken(sessions)
    assert "The stroke course" in json.dumps(event.detail, default=str)
    await eventually_gone(settings.data / "tmp")


@pytest.mark.usefixtures("study")
@pytest.mark.parametrize(
    ("missing", "said"), [("words", "Say in a few words what it is for."), ("allowed", "Confirm this first.")]
)
async def test_what_is_missing_is_named(
    client: Client, post: Post, signed_in: SignIn, sessions: Sessions, missing: str, said: str
) -> None:
    await signed_in("rural")
    answer = await post(ADDRESS, **{key: value for key, value in WANTED.items() if key != missing})
    assert answer.status == 422
    assert said in await answer.text()
    assert not await taken(sessions)


@pytest.mark.usefixtures("study")
async def test_a_stranger_finds_no_such_thing(client: Client, post: Post, signed_in: SignIn) -> None:
    for who in ("stranger", "nurse_elsewhere", "coordinator", "admin"):
        await signed_in(who)
        assert (await client.get(ADDRESS)).status == 404
        assert (await post(ADDRESS, **WANTED)).status == 404


@pytest.mark.usefixtures("study")
async def test_a_proof_that_is_old_does_not_do(
    client: Client, post: Post, signed_in: SignIn, sessions: Sessions
) -> None:
    await signed_in("rural")
    await wait_three_minutes(sessions)
    assert (await post(ADDRESS, **WANTED)).status in (303, 401, 403)
    assert not await taken(sessions)


@pytest.mark.usefixtures("study")
async def test_too_many_images_are_refused_before_anything_is_made(
    post: Post, signed_in: SignIn, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "MOST", 2)
    await signed_in("rural")
    answer = await post(ADDRESS, **WANTED)
    assert answer.status == 422
    assert "too many" in await answer.text()


@pytest.mark.usefixtures("study")
async def test_what_would_fill_the_disk_is_refused_before_anything_is_made(
    post: Post, signed_in: SignIn, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "LARGEST_WHOLE", 2000)
    await signed_in("rural")
    answer = await post(ADDRESS, **WANTED)
    assert answer.status == 422
    assert "too large to be taken" in await answer.text()
    assert not await taken(sessions)


@pytest.mark.usefixtures("study")
async def test_what_a_killed_site_leaves_lies_where_the_next_start_clears(
    post: Post, signed_in: SignIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.uploads.shutil.rmtree", lambda *_arguments, **_options: None)
    await signed_in("rural")
    assert (await post(ADDRESS, **WANTED)).status == 200
    monkeypatch.undo()
    [left] = settings.data.rglob("study.zip")
    long_ago = time.time() - 2 * ABANDONED_SECONDS
    os.utime(left.parent, (long_ago, long_ago))
    sweep_uploads(settings.data)
    assert not left.exists()


async def test_where_no_image_can_be_made_safe_it_is_said(
    post: Post, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, dicom_bytes(StudyInstanceUID="1.2.840.1", Modality="US"))
    await signed_in("rural")
    answer = await post(ADDRESS, **WANTED)
    assert answer.status == 422
    assert "No image of this study can be made safe" in await answer.text()
