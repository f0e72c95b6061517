"""The administrator's page: theirs alone."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.conftest import SignIn

Client = TestClient[web.Request, web.Application]


async def test_the_administrator_sees_people(client: Client, signed_in: SignIn) -> None:
    await signed_in("admin")
    page = await (await client.get("/admin")).text()
    assert "Girard" in page
    assert "Tremblay" not in page, "another establishment's people are not theirs to see"
    assert "Signed in" not in page, "who did what is the privacy officer's to read"


@pytest.mark.parametrize("who", ["rural", "specialist", "coordinator", "stranger"])
async def test_nobody_else_does(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    assert (await client.get("/admin")).status == 404
