"""The page of all sessions, and its table."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from teleconsult.scheduling.models import AppointmentStatus
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.encounters.test_overview import was

Client = TestClient[web.Request, web.Application]


async def test_those_who_watch_over_sessions_see_numbers_and_no_patient(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await was(sessions, cast, AppointmentStatus.FULFILLED)
    await was(sessions, cast, AppointmentStatus.NOSHOW, reason="no-requester")
    for who in ("coordinator", "admin"):
        await signed_in(who)
        page = await (await client.get("/sessions")).text()
        assert cast.organizations["rural"].name in page, who
        assert "20\N{NO-BREAK SPACE}min" in page or "20 min" in page
        assert cast.patient.family not in page
        assert cast.rural.name not in page


async def test_the_table_says_the_same(client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn) -> None:
    await was(sessions, cast, AppointmentStatus.FULFILLED)
    await signed_in("coordinator")
    answer = await client.get("/sessions.csv", params={"days": "7", "partner": str(cast.organizations["rural"].id)})
    assert answer.content_type == "text/csv"
    _, first, second = (await answer.text()).removeprefix("\ufeff").splitlines()
    assert first == f'"{cast.organizations["rural"].name}","1","0.250","3.00","0.0300","300"'
    assert second.endswith('"1","0.000","0.00","0.0020","40"')


async def test_others_find_nothing_there(client: Client, signed_in: SignIn) -> None:
    for who in ("rural", "specialist", "secretary", "operator", "stranger"):
        await signed_in(who)
        for path in ("/sessions", "/sessions.csv"):
            assert (await client.get(path)).status == 404, who


async def test_a_question_that_is_none(client: Client, signed_in: SignIn) -> None:
    await signed_in("coordinator")
    for query in ({"days": "8"}, {"days": "many"}, {"days": "-1"}, {"partner": "nobody"}, {"days": "9" * 5000}):
        assert (await client.get("/sessions", params=query)).status == 404, query
