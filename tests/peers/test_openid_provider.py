"""The whole way through a certified OpenID Provider (npm `oidc-provider`), over HTTP, by its own forms."""

import asyncio
import json
import re
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, CookieJar, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select, update
from yarl import URL

from teleconsult.accounts.models import FederatedIdentity, WebSession
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner
from teleconsult.settings import Settings
from tests.forging_provider import CLIENT_ID, CLIENT_SECRET, PSC_USERINFO
from tests.people import Cast
from web.app import make_app

Client = TestClient[web.Request, web.Application]
SCRIPT = Path(__file__).with_name("openid_provider.mjs")
SITE = "http://127.0.0.1:9"
SUBJECT = "f:550dc1c8-d97b-4b1e-ac8c-8eb4471cf9dd:899900000017"


@asynccontextmanager
async def running(algorithm: str, token_auth: str) -> AsyncIterator[str]:
    """The provider's issuer, as long as it runs."""
    told = json.dumps(
        {
            "clientId": CLIENT_ID,
            "clientSecret": CLIENT_SECRET,
            "redirectUri": f"{SITE}/sign-in/federated/callback",
            "algorithm": algorithm,
            "tokenAuth": token_auth,
            "userinfo": PSC_USERINFO,
        }
    )
    process = await asyncio.create_subprocess_exec("node", str(SCRIPT), told, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout
    try:
        issuer = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        assert issuer, "the provider did not start: is its npm package installed?"
        yield issuer
    finally:
        process.kill()
        await process.wait()


Site = Callable[..., Awaitable[Client]]


@pytest.fixture
def site(settings: Settings, aiohttp_client: AiohttpClient) -> Site:
    """Our site, whose people may sign in at that issuer."""

    async def start(issuer: str, **more: object) -> Client:
        told = {
            "public_url": SITE,
            "oidc_issuer": issuer,
            "oidc_name": "Pro Santé Connect",
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_scope": "openid scope_all",
            "oidc_vouches_for_ids": True,
        }
        return await aiohttp_client(make_app(settings.model_copy(update=told | more)))

    return start


@pytest.fixture
async def browser() -> AsyncIterator[ClientSession]:
    """The same person's browser, as the provider sees it."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield session


async def agree(browser: ClientSession, url: str) -> str:
    """Sign in at the provider and consent, by its own forms: the path that leads back to us."""
    answer = await browser.get(URL(url, encoded=True), allow_redirects=False)
    for _ in range(12):
        if answer.status in (302, 303):
            target = answer.headers["Location"]
            if target.startswith(SITE):
                return target.removeprefix(SITE)
            answer = await browser.get(URL(url).join(URL(target, encoded=True)), allow_redirects=False)
            continue
        page = await answer.text()
        assert answer.status == 200, page
        form = re.search(r'<form[^>]*action="([^"]+)"', page)
        prompt = re.search(r'name="prompt" value="(\w+)"', page)
        assert form, page
        assert prompt, page
        fields = {"prompt": prompt[1], "login": SUBJECT, "password": "anything"}
        answer = await browser.post(URL(url).join(URL(form[1])), data=fields, allow_redirects=False)
    pytest.fail("The provider never led back to us.")


async def begin(client: Client, path: str = "/sign-in/federated") -> str:
    answer = await client.get(path, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def give_number(sessions: Sessions, cast: Cast) -> None:
    """The rural doctor has the national number the provider says."""
    async with transaction(sessions) as session:
        await session.execute(
            update(Practitioner)
            .where(Practitioner.id == cast.rural.practitioner_id)
            .values(registration_number="99900000017")
        )


@pytest.mark.parametrize(
    ("algorithm", "token_auth"),
    [
        ("RS256", "client_secret_basic"),
        ("PS256", "client_secret_post"),
        ("ES256", "client_secret_basic"),
        ("EdDSA", "client_secret_post"),
    ],
)
async def test_the_whole_way(
    site: Site, browser: ClientSession, cast: Cast, sessions: Sessions, algorithm: str, token_auth: str
) -> None:
    await give_number(sessions, cast)
    async with running(algorithm, token_auth) as issuer:
        client = await site(issuer)
        back = await agree(browser, await begin(client, "/sign-in/federated?next=/patients"))
        assert "iss=" in back, "the provider says who it is (RFC 9207)"
        answer = await client.get(URL(back, encoded=True), allow_redirects=False)
        assert (answer.status, answer.headers.get("Location")) == (303, "/patients"), await answer.text()
        assert (await client.get("/patients")).status == 200
        async with transaction(sessions) as session:
            identity = (await session.scalars(select(FederatedIdentity))).one()
            assert (identity.issuer, identity.subject) == (issuer, SUBJECT)
            assert identity.account_id == cast.rural.account_id
            assert identity.claims["activities"][0]["profession"] == "10"

        client.session.cookie_jar.clear()
        again = await agree(browser, await begin(client))
        assert (await client.get(URL(again, encoded=True), allow_redirects=False)).status == 303
        assert (await client.get(URL(again, encoded=True), allow_redirects=False)).status == 422

        client.session.cookie_jar.clear()
        await begin(client)
        stolen = await agree(browser, await begin(client))
        client.session.cookie_jar.clear()
        await begin(client)
        assert (await client.get(URL(stolen, encoded=True), allow_redirects=False)).status == 422


async def test_proving_oneself_anew(site: Site, browser: ClientSession, cast: Cast, sessions: Sessions) -> None:
    """`max_age=0`: who is signed in at the provider is asked all the same, and it says when that was."""
    await give_number(sessions, cast)
    async with running("RS256", "client_secret_basic") as issuer:
        client = await site(issuer)
        await client.get(URL(await agree(browser, await begin(client)), encoded=True), allow_redirects=False)
        async with transaction(sessions) as session:
            before = await session.scalar(select(WebSession.factor_at).where(WebSession.ended_at.is_(None)))
        back = await agree(browser, await begin(client, "/step-up/federated?next=/account"))
        answer = await client.get(URL(back, encoded=True), allow_redirects=False)
        assert (answer.status, answer.headers.get("Location")) == (303, "/account"), await answer.text()
        async with transaction(sessions) as session:
            after = await session.scalar(select(WebSession.factor_at).where(WebSession.ended_at.is_(None)))
        assert before
        assert after
        assert after > before


async def test_a_class_of_sign_in_it_does_not_reach(
    site: Site, browser: ClientSession, cast: Cast, sessions: Sessions
) -> None:
    await give_number(sessions, cast)
    async with running("RS256", "client_secret_basic") as issuer:
        client = await site(issuer, oidc_acr="eidas1")
        back = await agree(browser, await begin(client))
        assert (await client.get(URL(back, encoded=True), allow_redirects=False)).status == 422


async def test_a_code_counts_once_for_the_provider_too(
    site: Site, browser: ClientSession, cast: Cast, sessions: Sessions
) -> None:
    """Another process of ours that never saw the answer asks again: the provider refuses the code."""
    await give_number(sessions, cast)
    async with running("RS256", "client_secret_basic") as issuer:
        client = await site(issuer)
        back = await agree(browser, await begin(client))
        code = URL(back, encoded=True).query["code"]
        assert (await client.get(URL(back, encoded=True), allow_redirects=False)).status == 303
        client.session.cookie_jar.clear()
        mine = URL(await agree(browser, await begin(client)), encoded=True)
        answer = await client.get(mine.update_query(code=code), allow_redirects=False)
        assert answer.status == 422
        assert urlsplit(str(answer.url)).path == "/sign-in/federated/callback"
