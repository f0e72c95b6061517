"""What is measured, told to the allowed addresses alone."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]


async def test_images_that_wait_are_counted(client: Client, sessions: Sessions, settings: Settings, cast: Cast) -> None:
    consult = await consult_steps.drafted(cast, sessions)
    settings.data.mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, dicom_bytes(), dicom_bytes())
    answer = await client.get("/metrics")
    assert answer.status == 200
    assert "teleconsult_images_waiting 2.0" in (await answer.text()).splitlines()
