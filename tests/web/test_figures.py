"""The page of figures, and its table."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.figures.test_reckoning import submitted_earlier

Client = TestClient[web.Request, web.Application]


async def test_those_who_watch_over_a_service_see_numbers_and_no_patient(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    for days in (2, 10):
        await submitted_earlier(sessions, await consult_steps.accepted(cast, sessions), days=days)
    for who in ("coordinator", "admin"):
        await signed_in(who)
        page = await (await client.get("/figures")).text()
        assert cast.organizations["rural"].name in page, who
        assert "data-weeks-values-value" in page
        assert page.count('class="meaning"') == page.count('class="call-number ') > 5, "each says what it means"
        assert cast.patient.family not in page
        assert cast.rural.name not in page


async def test_the_table_says_the_same(client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn) -> None:
    await submitted_earlier(sessions, await consult_steps.accepted(cast, sessions), hours=3)
    async with sessions() as session, session.begin():
        cast.organizations["rural"].name = "=1+1"
        await session.merge(cast.organizations["rural"])
    await signed_in("coordinator")
    answer = await client.get("/figures.csv", params={"days": "90"})
    assert answer.content_type == "text/csv"
    lines = (await answer.text()).removeprefix("\ufeff").splitlines()
    assert [line.split(",", 2)[2] for line in lines[1:]] == ['"1","3.00","3.00","1.000","","0","0","0","0"'] * 3
    assert lines[3].startswith('"","\'=1+1"'), "no cell is a formula"


async def test_nothing_was_asked_for(client: Client, signed_in: SignIn) -> None:
    await signed_in("coordinator")
    assert "figures-waiting" not in await (await client.get("/figures")).text()


async def test_others_find_nothing_there(client: Client, signed_in: SignIn) -> None:
    for who in ("rural", "specialist", "secretary", "operator", "stranger"):
        await signed_in(who)
        for path in ("/figures", "/figures.csv"):
            assert (await client.get(path)).status == 404, who


async def test_a_question_that_is_none(client: Client, signed_in: SignIn) -> None:
    await signed_in("coordinator")
    for query in ({"days": "8"}, {"days": "many"}, {"days": "-30"}, {"service": "nobody"}, {"days": "9" * 5000}):
        assert (await client.get("/figures", params=query)).status == 404, query
