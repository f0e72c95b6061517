"""The geometry of a series, for who may look at it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]

STUDY, SERIES = "1.2.840.1", "1.2.840.1.1"
PATH = f"/studies/{STUDY}/series/{SERIES}/geometry"


@pytest.fixture
async def shared(cast: Cast, sessions: Sessions, settings: Settings) -> AsyncIterator[None]:
    """A submitted consult with a series of two slices, the second brought first."""
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    slices = [
        dicom_bytes(
            StudyInstanceUID=STUDY,
            SeriesInstanceUID=SERIES,
            SOPInstanceUID=f"{SERIES}.{number}",
            InstanceNumber=number,
            PixelSpacing=[0.5, 0.25],
            ImagePositionPatient=[0, 0, number],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            FrameOfReferenceUID="1.2.840.9",
        )
        for number in (2, 1)
    ]
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, *slices)
    yield


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("who", ["rural", "specialist"])
async def test_each_slice_in_the_viewers_order(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    answer = await client.get(PATH)
    told = await answer.json()
    assert (told["frame_of_reference"], told["lacks_slice"]) == ("1.2.840.9", False)
    assert [one["position"] for one in told["slices"]] == [[0, 0, 1], [0, 0, 2]]
    assert told["slices"][0]["spacing"] == [0.5, 0.25]
    assert told["slices"][0]["spacing_is"] == "patient"
    assert answer.headers["Content-Encoding"] in ("gzip", "deflate")
    assert "private" in answer.headers["Cache-Control"]
    again = await client.get(PATH, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


@pytest.mark.usefixtures("shared")
async def test_it_is_a_look_at_the_study(client: Client, signed_in: SignIn, sessions: Sessions) -> None:
    await signed_in("specialist")
    for _turn in range(2):
        assert (await client.get(PATH)).status == 200
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(AuditEvent.action == "study-opened")) == 1


@pytest.mark.usefixtures("shared")
async def test_of_what_came_before_descriptions_were_kept(
    client: Client, signed_in: SignIn, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(ImagingInstance).values(dicom_json=None))
    await signed_in("rural")
    told = await (await client.get(PATH)).json()
    assert [one["position"] for one in told["slices"]] == [[0, 0, 1], [0, 0, 2]]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_nobody_else_learns_that_it_is_there(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    assert (await client.get(PATH)).status == 404


@pytest.mark.usefixtures("shared")
async def test_what_is_not_there(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    for path in (
        PATH.replace(SERIES, "1.2.3"),
        PATH.replace(STUDY, "1.2.3"),
        f"{PATH}?id=x",
        f"{PATH}?id=00000000-0000-0000-0000-000000000000",
    ):
        assert (await client.get(path)).status == 404
