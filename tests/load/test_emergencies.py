"""The load test of emergencies, with a few of them: the same questions, asked in seconds."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests.load.emergencies import measure
from tests.people import Cast


async def test_each_rings_the_right_person_and_nobody_twice(
    client: TestClient[web.Request, web.Application], settings: Settings, sessions: Sessions, cast: Cast
) -> None:
    outcome = await measure(str(client.make_url("")).rstrip("/"), settings, sessions, cast, count=3)
    assert outcome.wrong_first == outcome.of_another_house == outcome.rung_after_no == []
    assert outcome.pages == len(outcome.seconds) == 5
