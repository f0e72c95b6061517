"""Signing in at an OpenID Provider, at the wire: the right answer opens the linked account, and no other."""

from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import func, select, update

from teleconsult.accounts.models import Account, FederatedIdentity, SignInAttempt, WebSession
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.forging_provider import ALGORITHMS, CLIENT_ID, ForgingProvider, new_key
from tests.people import Cast
from tests.web.federation.steps import Client, begin, begin_link, come_back, is_in, is_unknown, number, sign_in
from web.app import make_app


async def test_the_linked_account_is_open(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    url = await begin(client, "/sign-in/federated?next=/patients")
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{provider.issuer}/authorize?")
    assert (asked["scope"], asked["client_id"]) == (["openid scope_all"], [CLIENT_ID])
    answer = await come_back(client, provider.authorize(url))
    assert (answer.status, answer.headers["Location"]) == (303, "/patients")
    assert "federated" in answer.cookies
    assert answer.cookies["federated"].value == ""
    assert await is_in(client)
    async with transaction(sessions) as session:
        opened = (await session.scalars(select(WebSession))).one()
        identity = (await session.scalars(select(FederatedIdentity))).one()
        assert (opened.account_id, opened.methods) == (linked.rural.account_id, "fed")
        assert identity.claims["national_id"] == "899900000017"
        assert identity.claims["activities"][0]["place"] == "CENTRE DE SANTE DE L'ANSE"
        assert await session.scalar(select(func.count()).where(SignInAttempt.succeeded.is_(False))) == 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_each_algorithm_we_read(client: Client, linked: Cast, provider: ForgingProvider, algorithm: str) -> None:
    provider.key = new_key(algorithm)
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 303
    assert await is_in(client)


async def test_a_client_secret_in_the_form_where_the_provider_wants_it(
    client: Client, linked: Cast, provider: ForgingProvider
) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 303


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_it_never_leads_elsewhere(client: Client, linked: Cast, provider: ForgingProvider, target: str) -> None:
    url = await begin(client, f"/sign-in/federated?next={target}")
    assert (await come_back(client, provider.authorize(url))).headers["Location"] == "/"


async def test_a_disabled_account_reads_like_an_unknown_one(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(disabled_at=now()))
    disabled = await come_back(client, provider.authorize(await begin(client)))
    provider.subject = "somebody-new"
    unknown = await come_back(client, provider.authorize(await begin(client)))
    assert is_unknown(disabled)
    assert is_unknown(unknown)
    assert await disabled.read() == await unknown.read()
    assert not await is_in(client)


async def test_an_e_mail_address_finds_nobody(client: Client, cast: Cast, provider: ForgingProvider) -> None:
    provider.userinfo |= {"email": cast.emails["rural"], "email_verified": True}
    answer = await come_back(client, provider.authorize(await begin(client)))
    assert is_unknown(answer)
    page = await client.get(answer.headers["Location"])
    assert page.status == 403
    assert "no account here is linked" in await page.text()
    assert not await is_in(client)


async def test_a_national_number_finds_nobody_unless_the_provider_vouches(
    client: Client, cast: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    await number(sessions, cast)
    assert is_unknown(await come_back(client, provider.authorize(await begin(client))))


class TestVouching:
    """The provider proves who holds a national number, and the settings say so."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"oidc_vouches_for_ids": True, "oidc_acr": "eidas1"})

    async def test_the_first_sign_in_links_the_account_of_the_number(
        self, client: Client, cast: Cast, provider: ForgingProvider, sessions: Sessions
    ) -> None:
        await number(sessions, cast)
        url = await begin(client)
        assert parse_qs(urlsplit(url).query)["acr_values"] == ["eidas1"]
        assert (await come_back(client, provider.authorize(url))).status == 303
        async with transaction(sessions) as session:
            identity = (await session.scalars(select(FederatedIdentity))).one()
            assert identity.account_id == cast.rural.account_id
            assert (await session.scalars(select(WebSession.methods))).one() == "fed mfa"

    async def test_another_subject_with_the_same_number_is_not_let_in(
        self, client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
    ) -> None:
        await number(sessions, linked)
        provider.subject = "another"
        assert is_unknown(await come_back(client, provider.authorize(await begin(client))))

    @pytest.mark.parametrize(
        "told", ["", "99900000017", "8 99900000017", "0ABC", "899900000017x", None, ["899900000017"]]
    )
    async def test_what_is_no_national_number_finds_nobody(
        self, client: Client, cast: Cast, provider: ForgingProvider, sessions: Sessions, told: object
    ) -> None:
        await number(sessions, cast)
        provider.userinfo |= {"SubjectNameID": told, "preferred_username": told}
        assert is_unknown(await come_back(client, provider.authorize(await begin(client))))

    @pytest.mark.parametrize("acr", ["eidas0", None])
    async def test_a_lower_class_of_sign_in_is_refused(
        self, client: Client, linked: Cast, provider: ForgingProvider, acr: str | None
    ) -> None:
        provider.claims = {"acr": acr}
        assert (await come_back(client, provider.authorize(await begin(client)))).status == 422

    async def test_somebody_elses_number_is_not_linked(
        self, client: Client, cast: Cast, provider: ForgingProvider, sessions: Sessions, settings: Settings
    ) -> None:
        await number(sessions, cast)
        await sign_in(client, cast, "colleague")
        answer = await come_back(client, provider.authorize(await begin_link(client, settings)))
        assert answer.status == 422
        assert "somebody else here" in await answer.text()


async def test_wrong_tries_are_counted(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    provider.claims = {"nonce": "x"}
    await come_back(client, provider.authorize(await begin(client)))
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(SignInAttempt))).one()
        assert (kept.door, kept.succeeded) == ("federated", False)
        session.add_all(
            SignInAttempt(address=kept.address, door="federated", attempted_at=now(), succeeded=False)
            for _ in range(49)
        )
    provider.claims = {}
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 429


async def test_the_door_is_shown(client: Client) -> None:
    assert "Sign in with Pro Santé Connect" in await (await client.get("/sign-in?next=/patients")).text()


async def test_where_there_is_no_provider_there_is_no_door(settings: Settings, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(settings.model_copy(update={"oidc_issuer": None})))
    assert "federated" not in await (await client.get("/sign-in")).text()
    assert (await client.get("/sign-in/federated")).status == 404
    assert (await client.get("/sign-in/federated/callback")).status == 404
