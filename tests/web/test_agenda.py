"""The agenda, on both clocks."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


@pytest.mark.parametrize("who", ["rural", "specialist", "coordinator"])
async def test_a_session_stands_on_its_day(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, who: str
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in(who)
    page = await (await client.get("/agenda")).text()
    assert f'href="/consults/{consult.id}"' in page
    assert "Blanc-Sablon" in page
    assert "Toronto" in page
    assert ('data-testid="join-room"' in page) == (who != "coordinator")


async def test_nobody_elses(client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for who in ("stranger", "oncall", "colleague", "admin"):
        await signed_in(who)
        assert str(consult.id) not in await (await client.get("/agenda")).text()


@pytest.mark.parametrize("day", ["tomorrow", "0001-01-01", "9999-12-31", "2026-02-30"])
async def test_a_day_that_is_none(client: Client, signed_in: SignIn, day: str) -> None:
    await signed_in("rural")
    assert (await client.get("/agenda", params={"from": day})).status == 404
