"""A provider that is away, or not itself, or changes its keys."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import func, select

from teleconsult.accounts.models import SignInAttempt
from teleconsult.db import Sessions, transaction
from tests.forging_provider import ForgingProvider, new_key
from tests.people import Cast
from tests.web.federation.steps import (
    HTML,
    Client,
    begin,
    come_back,
)


def away(path: str) -> web.Response | None:
    return web.Response(status=502, text="<html>")


def no_object(path: str) -> web.Response | None:
    return web.Response(text="[" * 100_000)


def endless(path: str) -> web.Response | None:
    return web.Response(body=b"{" + b" " * 300_000 + b"}")


def redirect(path: str) -> web.Response | None:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})


@pytest.mark.parametrize("respond", [away, no_object, endless, redirect])
async def test_a_provider_that_is_away_says_what_to_do(
    client: Client, cast: Cast, provider: ForgingProvider, respond: Callable[[str], web.Response | None]
) -> None:
    provider.respond = respond
    answer = await client.get("/sign-in/federated?next=/patients", headers=HTML, allow_redirects=False)
    page = await answer.text()
    assert answer.status == 503
    assert "Sign in another way" in page
    assert 'name="password"' in page
    asked = len(provider.asked)
    assert (await client.get("/sign-in/federated", headers=HTML)).status == 503
    assert len(provider.asked) == asked, "who comes meanwhile does not wait for the same"


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:x"},
    ],
)
async def test_a_provider_that_is_not_itself(
    client: Client, provider: ForgingProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    assert (await client.get("/sign-in/federated", headers=HTML, allow_redirects=False)).status == 503


async def test_a_provider_that_goes_away_meanwhile_costs_no_try(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    answer = provider.authorize(await begin(client))
    provider.respond = away
    assert (await come_back(client, answer)).status == 503
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(SignInAttempt.succeeded.is_(False))) == 0


async def test_a_new_key_is_found_and_unknown_ones_do_not_make_us_ask_again(
    client: Client, linked: Cast, provider: ForgingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 303
    provider.key = new_key("ES256")
    client.session.cookie_jar.clear()
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 422, "asked a moment ago"
    assert provider.asked.count("/jwks") == 1
    monkeypatch.setattr("teleconsult.accounts.oidc.REFRESH_EVERY", 0)
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 303
    assert provider.asked.count("/jwks") == 2
