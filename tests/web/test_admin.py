"""The administrator's page: theirs alone."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.conftest import Post, SignIn

Client = TestClient[web.Request, web.Application]


async def test_the_administrator_sees_people_and_acts(client: Client, signed_in: SignIn) -> None:
    await signed_in("admin")
    page = await (await client.get("/admin")).text()
    assert "Girard" in page
    assert "Tremblay" not in page, "another establishment's people are not theirs to see"
    assert "Signed in" in page


@pytest.mark.parametrize("who", ["rural", "specialist", "coordinator", "stranger"])
async def test_nobody_else_does(client: Client, signed_in: SignIn, post: Post, who: str) -> None:
    await signed_in(who)
    assert (await client.get("/admin")).status == 404
    assert (await post("/admin/audit-check")).status == 404


async def test_the_chain_is_checked(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    answer = await post("/admin/audit-check")
    assert answer.status == 303
    assert "whole" in await (await client.get("/admin")).text()


@pytest.mark.parametrize("before", ["yesterday", "0001-01-01", "9999-12-31T23:59:59-12:00"])
async def test_a_broken_cursor_is_no_500(client: Client, signed_in: SignIn, before: str) -> None:
    await signed_in("admin")
    assert (await client.get("/admin", params={"before": before})).status in (200, 422)
