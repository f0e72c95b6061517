"""Planes through a series: where they are offered, for whom, and that opening them is a look at the study."""

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

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

STUDY = "1.2.840.1"
EVEN, TILTED, SHORT, SHADOW = (f"{STUDY}.{number}" for number in (1, 2, 3, 4))
CHOICES = f"/studies/{STUDY}/planes"


def page_of(series: str) -> str:
    return f"/studies/{STUDY}/series/{series}/planes"


def slices(series: str, count: int, **values: Any) -> list[bytes]:
    return [
        dicom_bytes(
            **{
                "StudyInstanceUID": STUDY,
                "SeriesInstanceUID": series,
                "SOPInstanceUID": f"{series}.{count - at}",
                "SeriesNumber": int(series[-1]),
                "SeriesDescription": f"Of {series[-1]}",
                "InstanceNumber": count - at,
                "PixelSpacing": [0.5, 0.25],
                "SliceThickness": 3,
                "ImagePositionPatient": [0, 0, 5 * at],
                "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
                "FrameOfReferenceUID": "1.2.840.9",
                **values,
            }
        )
        for at in range(count)
    ]


@pytest.fixture
async def shared(cast: Cast, sessions: Sessions, settings: Settings) -> AsyncIterator[None]:
    """A submitted consult with a series that allows planes, two that do not, and one that never could."""
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(
            cast.rural,
            consult.id,
            *slices(EVEN, 8),
            *slices(TILTED, 8, ImageOrientationPatient=[1, 0, 0, 0, 0.98, 0.198997]),
            *slices(SHORT, 2),
            *slices(SHADOW, 1, Modality="DX"),
        )
    yield


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("who", ["rural", "specialist"])
async def test_the_page_of_a_series(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    answer = await client.get(page_of(EVEN))
    page = await answer.text()
    assert answer.status == 200
    assert "Computed from slices of 3 mm, every 5 mm" in page
    told = re.search(r'data-manifest="([^"]*)"', page)
    assert told
    manifest = json.loads(html.unescape(told[1]))
    assert manifest["slices"] == [[f"{EVEN}.{8 - at}", 1] for at in range(8)]  # the lowest came last
    assert (manifest["rows"], manifest["columns"], manifest["unit"]) == (16, 16, "HU")
    assert manifest["spacing"] == [0.25, 0.5, 5]
    assert manifest["origin"] == [0, 0, 0]
    assert manifest["direction"] == [1, 0, 0, 0, 1, 0, 0, 0, 1]


@pytest.mark.usefixtures("shared")
async def test_a_series_that_does_not_allow_it_says_why(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    for series, why in (
        (TILTED, "The slices are tilted: lengths across them would be false."),
        (SHORT, "There are too few images"),
        (SHADOW, "Only grey images of CT, MR and PET"),
    ):
        answer = await client.get(page_of(series))
        page = await answer.text()
        assert answer.status == 200
        assert why in page
        assert "data-manifest" not in page


@pytest.mark.usefixtures("shared")
async def test_what_the_viewer_offers(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    assert f'src="{CHOICES}?id=' in await (await client.get(f"/studies/{STUDY}")).text()
    answer = await client.get(CHOICES, headers={"Turbo-Frame": "plane-choices"})
    page = await answer.text()
    assert answer.status == 200
    assert re.findall(r'href="([^"?]*)\?', page) == [page_of(EVEN)]
    assert ("Of 2" in page, "Of 3" in page, "Of 4" in page) == (True, True, False)
    assert "The slices are tilted" in page
    assert "target" not in page
    beside = await (await client.get(CHOICES, headers={"Turbo-Frame": "plane-choicesbeside"})).text()
    assert 'id="plane-choicesbeside"' in beside
    assert 'target="_blank"' in beside


async def test_no_planes_are_offered_of_a_study_without_slices(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, draft.id, *slices(SHADOW, 1, Modality="DX"))
    await signed_in("rural")
    assert "planes" not in await (await client.get(f"/studies/{STUDY}")).text()


@pytest.mark.usefixtures("shared")
async def test_what_cannot_be_displayed_cannot_be_cut(client: Client, signed_in: SignIn, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        damaged = update(ImagingInstance).where(ImagingInstance.sop_instance_uid == f"{EVEN}.3")
        await session.execute(damaged.values(not_displayable_because="damaged"))
    await signed_in("rural")
    assert "Some of the images cannot be displayed." in await (await client.get(page_of(EVEN))).text()


@pytest.mark.usefixtures("shared")
async def test_of_what_came_before_descriptions_were_kept(
    client: Client, signed_in: SignIn, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(ImagingInstance).values(dicom_json=None))
    await signed_in("rural")
    assert "data-manifest" in await (await client.get(page_of(EVEN))).text()


@pytest.mark.usefixtures("shared")
async def test_opening_it_is_a_look_at_the_study(client: Client, signed_in: SignIn, sessions: Sessions) -> None:
    async def looks() -> int | None:
        async with transaction(sessions) as session:
            return await session.scalar(select(func.count()).where(AuditEvent.action == "study-opened"))

    await signed_in("specialist")
    for _turn in range(2):
        assert (await client.get(CHOICES)).status == 200
    assert await looks() == 1
    assert (await client.get(page_of(EVEN))).status == 200
    assert await looks() == 2


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_nobody_else_learns_that_it_is_there(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    for path in (page_of(EVEN), CHOICES):
        assert (await client.get(path)).status == 404


@pytest.mark.usefixtures("shared")
async def test_what_is_not_there(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    for path in (
        page_of("1.2.3"),
        page_of(EVEN).replace(STUDY, "1.2.3", 1),
        CHOICES.replace(STUDY, "1.2.3"),
        f"{CHOICES}?id=x",
        f"{page_of(EVEN)}?id=00000000-0000-0000-0000-000000000000",
    ):
        assert (await client.get(path)).status == 404
