"""The bell, the list behind it, and that looking at a consult is reading its news."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.mailbox import work
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, settings: Settings) -> ServiceRequest:
    consult = await consult_steps.accepted(cast, sessions)
    await work(settings, sessions)
    return consult


async def page(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return await answer.text()


async def test_the_number_follows_what_was_looked_at(
    client: Client, consult: ServiceRequest, signed_in: SignIn
) -> None:
    await signed_in("coordinator")
    assert 'id="bell"' in await page(client, "/")
    assert 'data-count="2"' in await page(client, "/notices/bell")
    await page(client, f"/consults/{consult.id}")
    assert 'data-count="0"' in await page(client, "/notices/bell")


async def test_the_list_says_what_happened_and_never_about_whom(
    client: Client, cast: Cast, consult: ServiceRequest, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    text = await page(client, "/notices")
    assert text.count('data-testid="notice-row"') == 2
    assert f"Consult no. {consult.number}: a specialist has accepted" in text
    assert cast.patient.family not in text
    assert (await post("/notices/reading")).status == 303
    text = await page(client, "/notices")
    assert text.count('data-testid="notice-row"') == 2
    assert 'data-testid="read-all"' not in text


@pytest.mark.usefixtures("consult")
@pytest.mark.parametrize("who", ["colleague", "oncall", "stranger"])
async def test_it_is_nobody_elses(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    assert 'data-testid="notice-row"' not in await page(client, "/notices")
    assert 'data-count="0"' in await page(client, "/notices/bell")


@pytest.mark.parametrize("who", ["admin", "operator", "privacy"])
async def test_who_has_no_part_in_consults_has_no_bell(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    assert (await client.get("/notices")).status == 404
    assert 'id="bell"' not in await page(client, "/account")
