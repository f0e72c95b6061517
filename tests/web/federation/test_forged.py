"""An answer that is forged, replayed, late or meant for another opens nothing."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select

from teleconsult.accounts.models import SignInAttempt
from teleconsult.db import Sessions, transaction
from tests.forging_provider import CLIENT_ID, CLIENT_SECRET, ForgingProvider, new_key
from tests.people import Cast
from tests.web.federation.steps import (
    HTML,
    Client,
    begin,
    come_back,
    is_in,
    reasons,
)


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
