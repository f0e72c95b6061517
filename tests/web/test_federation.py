"""Signing in at an OpenID Provider, at the wire: the right answer opens the account, a forged one nothing."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer
from sqlalchemy import func, select, update

from teleconsult.accounts.models import Account, FederatedIdentity, SignInAttempt, WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner
from teleconsult.settings import Settings
from tests.forging_provider import ALGORITHMS, CLIENT_ID, CLIENT_SECRET, ForgingProvider, new_key
from tests.people import PASSWORD, Cast
from web.app import make_app
from web.csrf import token_for
from web.i18n import LOCALE_COOKIE

Client = TestClient[web.Request, web.Application]
HTML = {"Accept": "text/html"}


@pytest.fixture
async def provider(aiohttp_server: AiohttpServer) -> ForgingProvider:
    provider = ForgingProvider()
    server = await aiohttp_server(provider.app())
    provider.issuer = f"http://127.0.0.1:{server.port}"
    return provider


@pytest.fixture
def settings(settings: Settings, provider: ForgingProvider) -> Settings:
    return settings.model_copy(
        update={
            "oidc_issuer": provider.issuer,
            "oidc_name": "Pro Santé Connect",
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_scope": "openid scope_all",
        }
    )


@pytest.fixture(autouse=True)
def in_english(client: Client) -> None:
    """Before sign-in, too."""
    client.session.cookie_jar.update_cookies({LOCALE_COOKIE: "en"})


@pytest.fixture
async def linked(sessions: Sessions, cast: Cast, provider: ForgingProvider) -> Cast:
    """The rural doctor's account is linked to the provider's subject."""
    async with transaction(sessions) as session:
        session.add(
            FederatedIdentity(
                account_id=cast.rural.account_id,
                issuer=provider.issuer,
                subject=provider.subject,
                claims={},
                linked_at=now(),
            )
        )
    return cast


async def begin(client: Client, path: str = "/sign-in/federated") -> str:
    """Where our site sends the browser."""
    answer = await client.get(path, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def come_back(client: Client, answer: dict[str, str]) -> ClientResponse:
    return await client.get("/sign-in/federated/callback", params=answer, headers=HTML, allow_redirects=False)


def is_unknown(answer: ClientResponse) -> bool:
    return (answer.status, answer.headers["Location"]) == (303, "/sign-in/federated/unknown")


async def is_in(client: Client) -> bool:
    return (await client.get("/account", allow_redirects=False)).status == 200


async def reasons(sessions: Sessions) -> list[str]:
    async with transaction(sessions) as session:
        found = await session.scalars(select(AuditEvent.detail).where(AuditEvent.action == "sign-in-failed"))
        return [str(detail.get("reason")) for detail in found]


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


def unsigned(_provider: ForgingProvider, claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def by_shared_secret(_provider: ForgingProvider, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, CLIENT_SECRET * 2, algorithm="HS256")


def by_a_stranger(provider: ForgingProvider, claims: dict[str, Any]) -> str:
    key = new_key()
    return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": provider.key.kid})


def of_another_type(provider: ForgingProvider, claims: dict[str, Any]) -> str:
    return provider.signed(claims, typ="logout+jwt")


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "for another client": {"aud": "somebody-else"},
    "for another client too": {"aud": [CLIENT_ID, "somebody-else"]},
    "another party": {"azp": "somebody-else"},
    "no audience": {"aud": None},
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "a nonce that is no text": {"nonce": 7},
    "run out": {"exp": int(time.time()) - 3600},
    "no end": {"exp": None},
    "old": {"iat": int(time.time()) - 3600},
    "of the future": {"iat": int(time.time()) + 3600},
    "no moment": {"iat": None},
    "nobody": {"sub": ""},
    "no subject": {"sub": None},
    "a subject with a line break": {"sub": "a\nb"},
    "a subject that is too long": {"sub": "x" * 256},
    "another access token's hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "an empty hash": {"at_hash": ""},
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_id_token_that_lies(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions, lie: str
) -> None:
    provider.claims = LIES[lie]
    answer = await come_back(client, provider.authorize(await begin(client)))
    assert answer.status == 422
    assert "could not be confirmed" in await answer.text()
    assert not await is_in(client)
    (reason,) = await reasons(sessions)
    assert reason.startswith("id-token-")


@pytest.mark.parametrize(
    "forge", [unsigned, by_shared_secret, by_a_stranger, of_another_type, lambda *_: "x", lambda *_: "x" * 20_000]
)
async def test_an_id_token_that_is_not_the_providers(
    client: Client, linked: Cast, provider: ForgingProvider, forge: Callable[[ForgingProvider, dict[str, Any]], str]
) -> None:
    provider.make_id_token = forge
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 422
    assert not await is_in(client)


async def test_an_algorithm_the_provider_does_not_name(client: Client, linked: Cast, provider: ForgingProvider) -> None:
    provider.metadata = {"id_token_signing_alg_values_supported": ["RS256"]}
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 422


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
async def test_a_weak_key(client: Client, linked: Cast, provider: ForgingProvider) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    provider.key = new_key("RS256")
    provider.key.private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 422


async def test_userinfo_of_somebody_else(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    provider.userinfo["sub"] = "another"
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 422
    assert await reasons(sessions) == ["userinfo-subject"]


async def test_another_state_is_nobodys_answer(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    """It neither uses up the sign-in that was begun, nor counts as somebody's try."""
    answer = provider.authorize(await begin(client))
    for state in ("x", ""):
        assert (await come_back(client, answer | {"state": state})).status == 422
    doubled = "&".join(f"state={answer['state']}" for _ in range(2))
    assert (await client.get(f"/sign-in/federated/callback?code={answer['code']}&{doubled}")).status == 422
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(SignInAttempt)) == 0
    assert (await come_back(client, answer)).status == 303


async def test_another_browser_cannot_bring_the_answer(client: Client, linked: Cast, provider: ForgingProvider) -> None:
    """What an attacker began, a victim does not finish, and the other way round (RFC 9700 §4.7)."""
    answer = provider.authorize(await begin(client))
    client.session.cookie_jar.clear()
    assert (await come_back(client, answer)).status == 422
    await begin(client)
    assert (await come_back(client, answer)).status == 422
    assert not await is_in(client)


@pytest.mark.parametrize("issuer", ["https://evil.example", None])
async def test_an_answer_of_another_issuer(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions, issuer: str | None
) -> None:
    """Mix-up: the code is never shown to the provider it was not made by (RFC 9207 §2.4)."""
    assert (await come_back(client, provider.authorize(await begin(client), iss=issuer))).status == 422
    assert "/token" not in provider.asked
    assert await reasons(sessions) == ["issuer"]


async def test_the_same_answer_twice(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    answer = provider.authorize(await begin(client))
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["federated"].value
    assert (await come_back(client, answer)).status == 303
    client.session.cookie_jar.clear()
    client.session.cookie_jar.update_cookies({"federated": cookie}, client.make_url("/"))
    assert (await come_back(client, answer)).status == 422
    assert await reasons(sessions) == ["answered-before"]
    assert provider.asked.count("/token") == 1


async def test_a_code_of_another_sign_in(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    """PKCE: a stolen code is worth nothing beside another verifier (RFC 7636 §1)."""
    stolen = provider.authorize(await begin(client))["code"]
    mine = provider.authorize(await begin(client))
    assert (await come_back(client, mine | {"code": stolen})).status == 422
    assert await reasons(sessions) == ["code-refused"]


@pytest.mark.parametrize("answer", [{"error": "access_denied"}, {"code": ""}, {"code": "x" * 5000}])
async def test_an_answer_without_a_code(
    client: Client, linked: Cast, provider: ForgingProvider, answer: dict[str, str]
) -> None:
    given = provider.authorize(await begin(client), code=None)
    assert (await come_back(client, given | answer)).status == 422
    assert "/token" not in provider.asked


async def test_a_login_that_took_too_long(
    client: Client, linked: Cast, provider: ForgingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    answer = provider.authorize(await begin(client))
    monkeypatch.setattr("teleconsult.accounts.federation.LIFETIME", timedelta(0))
    assert (await come_back(client, answer)).status == 422


async def test_a_cookie_of_somebodys_making(client: Client, linked: Cast, provider: ForgingProvider) -> None:
    answer = provider.authorize(await begin(client))
    for cookie in ("x", "é", "A" * 5000, base64.urlsafe_b64encode(b"{}" * 40).decode()):
        client.session.cookie_jar.clear()
        headers = HTML | {"Cookie": f"federated={cookie}"}
        given = await client.get("/sign-in/federated/callback", params=answer, headers=headers)
        assert given.status == 422


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


async def number(sessions: Sessions, cast: Cast, number: str = "99900000017") -> None:
    """The rural doctor's number in the directory is the one the provider says."""
    async with transaction(sessions) as session:
        await session.execute(
            update(Practitioner).where(Practitioner.id == cast.rural.practitioner_id).values(registration_number=number)
        )


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


async def sign_in(client: Client, cast: Cast, name: str) -> None:
    client.session.cookie_jar.clear(lambda cookie: cookie.key == "session")
    form = {"email": cast.emails[name], "password": PASSWORD}
    answer = await client.post("/sign-in", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()


async def post(client: Client, settings: Settings, path: str) -> ClientResponse:
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
    return await client.post(path, data={"csrf_token": token_for(settings, cookie)}, allow_redirects=False)


async def begin_link(client: Client, settings: Settings) -> str:
    answer = await post(client, settings, "/account/identities")
    page = await answer.text()
    assert answer.status == 200, page
    return page.split('href="http', 1)[1].join(["http", ""]).split('"')[0].replace("&amp;", "&")


async def test_one_links_it_to_ones_account(
    client: Client, cast: Cast, provider: ForgingProvider, sessions: Sessions, settings: Settings
) -> None:
    await sign_in(client, cast, "rural")
    assert "Link it once" in await (await client.get("/account")).text()
    answer = await come_back(client, provider.authorize(await begin_link(client, settings)))
    assert (answer.status, answer.headers["Location"]) == (303, "/account")
    page = await (await client.get("/account")).text()
    assert "HELENE TREMBLAY" in page
    assert "899900000017" in page
    assert "Doctor, CENTRE DE SANTE DE L&#39;ANSE" in page
    client.session.cookie_jar.clear()
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 303
    assert await is_in(client)


async def test_linking_wants_a_fresh_proof(client: Client, cast: Cast, sessions: Sessions, settings: Settings) -> None:
    await sign_in(client, cast, "rural")
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=now().replace(year=2020)))
    answer = await post(client, settings, "/account/identities")
    assert (answer.status, urlsplit(answer.headers["Location"]).path) == (303, "/step-up")


async def test_what_is_anothers_is_not_linked(
    client: Client, linked: Cast, provider: ForgingProvider, settings: Settings
) -> None:
    await sign_in(client, linked, "colleague")
    answer = await come_back(client, provider.authorize(await begin_link(client, settings)))
    assert answer.status == 422
    assert "another account here" in await answer.text()


async def test_a_link_begun_by_another_account_is_not_finished(
    client: Client, cast: Cast, provider: ForgingProvider, sessions: Sessions, settings: Settings
) -> None:
    await sign_in(client, cast, "rural")
    answer = provider.authorize(await begin_link(client, settings))
    await sign_in(client, cast, "colleague")
    assert (await come_back(client, answer)).status == 422
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(FederatedIdentity)) == 0


async def test_one_unlinks_ones_own_alone(client: Client, linked: Cast, sessions: Sessions, settings: Settings) -> None:
    async with transaction(sessions) as session:
        identity = (await session.scalars(select(FederatedIdentity.id))).one()
    await sign_in(client, linked, "colleague")
    assert (await post(client, settings, f"/account/identities/{identity}/removal")).status == 404
    await sign_in(client, linked, "rural")
    assert (await post(client, settings, f"/account/identities/{identity}/removal")).status == 303
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(FederatedIdentity)) == 0
        assert await session.scalar(select(AuditEvent.id).where(AuditEvent.action == "identity-unlinked"))


async def test_the_only_way_in_stays(client: Client, linked: Cast, sessions: Sessions, settings: Settings) -> None:
    await sign_in(client, linked, "rural")
    async with transaction(sessions) as session:
        identity = (await session.scalars(select(FederatedIdentity.id))).one()
        await session.execute(update(Account).values(password_hash=None))
    assert (await post(client, settings, f"/account/identities/{identity}/removal")).status == 409


async def test_it_proves_who_one_is_once_more(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    await sign_in(client, linked, "rural")
    url = await begin(client, "/step-up/federated?next=/account")
    assert parse_qs(urlsplit(url).query)["prompt"] == ["login"]
    old = (await _factors(sessions))[-1]
    answer = await come_back(client, provider.authorize(url))
    assert (answer.status, answer.headers["Location"]) == (303, "/account")
    assert (await _factors(sessions))[-1] > old


async def _factors(sessions: Sessions) -> list[Any]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(WebSession.factor_at).order_by(WebSession.factor_at)))


@pytest.mark.parametrize("claims", [{"auth_time": int(time.time()) - 3600}, {"auth_time": None}, {"auth_time": "now"}])
async def test_an_old_proof_is_none(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions, claims: dict[str, Any]
) -> None:
    await sign_in(client, linked, "rural")
    provider.claims = claims
    assert (await come_back(client, provider.authorize(await begin(client, "/step-up/federated")))).status == 422
    assert await reasons(sessions) == ["id-token-freshness"]


async def test_somebody_elses_proof_is_none(client: Client, linked: Cast, provider: ForgingProvider) -> None:
    await sign_in(client, linked, "colleague")
    answer = await come_back(client, provider.authorize(await begin(client, "/step-up/federated")))
    assert answer.status == 422


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
