"""The console's page of systems that come to the FHIR door by themselves."""

import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from teleconsult.systems.models import FhirClient
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.system_steps import EC, RSA, ask, assertion, form, jwk, key_set, let_in, token_url
from tests.web.test_admin_people import wait_three_minutes
from web.app import make_app

Client = TestClient[web.Request, web.Application]
PAGE = "/admin/fhir-clients"
WANTED = {"name": "Registry <b>", "scope": "system/*.rs", "keys": key_set()}


@pytest.fixture
async def machine(settings: Settings, aiohttp_client: AiohttpClient) -> Client:
    """The system itself, which has no browser's cookies."""
    return await aiohttp_client(make_app(settings))


async def test_a_system_is_let_in_told_and_comes(
    client: Client, machine: Client, signed_in: SignIn, post: Post, settings: Settings, sessions: Sessions
) -> None:
    await signed_in("admin")
    assert "No system comes in yet" in await (await client.get(PAGE)).text()
    answer = await post(PAGE, **WANTED)
    assert answer.status == 303
    shown = await (await client.get(answer.headers["Location"])).text()
    async with transaction(sessions) as session:
        registered = (await session.scalars(select(FhirClient))).one()
    facts = re.findall(r'data-testid="client-fact">([^<]+)<', shown)
    assert facts == [str(registered.id), token_url(settings), f"{settings.base_url}/fhir"]
    assert "Registry &lt;b&gt;" in shown
    assert '"d"' not in shown
    answer, content = await ask(machine, form(assertion(settings, registered.id), "system/*.rs"))
    assert (answer.status, content.get("scope")) == (200, "system/*.rs")
    assert 'data-testid="fhir-client"' in await (await client.get(PAGE)).text()
    assert (await post(PAGE, **WANTED)).status == 409


async def test_what_is_wrong_stands_beside_its_field(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    private = {**jwk(RSA, "mine"), "d": "AQAB"}
    answer = await post(PAGE, **{**WANTED, "keys": key_set(private), "scope": "all"})
    page = await answer.text()
    assert answer.status == 422
    assert "This holds a private key" in page
    assert "Say what it may do" in page


async def test_keys_are_changed_and_it_is_turned_off_and_on(
    machine: Client, signed_in: SignIn, post: Post, settings: Settings, sessions: Sessions, cast: Cast
) -> None:
    await signed_in("admin")
    registered = await let_in(sessions, cast.admin.organization_id)
    page = f"{PAGE}/{registered.id}"
    changes = {"keys": key_set(jwk(EC, "ec")), "scope": "system/Patient.rs"}
    assert (await post(page, **changes)).headers["Location"] == page
    assert (await ask(machine, form(assertion(settings, registered.id))))[0].status == 401, "its key is gone"
    assert (await ask(machine, form(assertion(settings, registered.id, kid="ec"))))[0].status == 200
    wrong = await post(page, **{**changes, "keys": "none"})
    assert (wrong.status, "This is no key set" in await wrong.text()) == (422, True)
    for on, status in (("no", 401), ("yes", 200)):
        assert (await post(f"{page}/status", on=on)).headers["Location"] == page
        assert (await ask(machine, form(assertion(settings, registered.id, kid="ec"))))[0].status == status


async def test_letting_in_wants_a_fresh_factor(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, cast: Cast
) -> None:
    await signed_in("admin")
    registered = await let_in(sessions, cast.admin.organization_id)
    await wait_three_minutes(sessions)
    for path in (PAGE, f"{PAGE}/{registered.id}"):
        assert (await post(path, **WANTED)).headers["Location"].startswith("/step-up"), path
    assert (await post(f"{PAGE}/{registered.id}/status", on="no")).headers["Location"].startswith(PAGE)
    assert (await post(f"{PAGE}/{registered.id}/status", on="yes")).headers["Location"].startswith("/step-up")


async def test_another_establishments_is_not_there(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, cast: Cast
) -> None:
    await signed_in("admin")
    theirs = await let_in(sessions, cast.rural.organization_id)
    assert (await client.get(f"{PAGE}/{theirs.id}")).status == 404
    for path in (f"{PAGE}/{theirs.id}", f"{PAGE}/{theirs.id}/status"):
        assert (await post(path, **WANTED, on="yes")).status == 404
