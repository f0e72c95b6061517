"""Signing in and out, as a browser without script does it."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import select, update

from teleconsult.accounts.models import Account, SignInAttempt
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast, bearer_of
from web.app import make_app

Client = TestClient[web.Request, web.Application]


async def actions(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        return list(await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at)))


async def test_the_right_password_opens_a_session(client: Client, signed_in: SignIn, sessions: Sessions) -> None:
    await signed_in("rural")
    answer = await client.get("/sign-in", allow_redirects=False)
    assert answer.status == 303
    assert "signed-in" in await actions(sessions)


@pytest.mark.parametrize("known", [True, False])
async def test_a_wrong_password_and_an_unknown_account_look_alike(
    client: Client, cast: Cast, post: Post, sessions: Sessions, known: bool
) -> None:
    email = cast.emails["rural"] if known else "nobody@example.test"
    answer = await post("/sign-in", email=email, password="wrong")
    assert answer.status == 422
    assert "session" not in answer.cookies
    assert await actions(sessions) == ["sign-in-failed"]


async def test_after_ten_wrong_passwords_even_the_right_one_waits(client: Client, cast: Cast, post: Post) -> None:
    for _ in range(10):
        await post("/sign-in", email=cast.emails["rural"], password="wrong")
    answer = await post("/sign-in", email=cast.emails["rural"].upper(), password=PASSWORD)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    other = await post("/sign-in", email=cast.emails["specialist"], password=PASSWORD)
    assert other.status == 303


async def test_many_at_once_count_like_one_by_one(client: Client, cast: Cast, post: Post) -> None:
    answers = await asyncio.gather(*(post("/sign-in", email=cast.emails["rural"], password="wrong") for _ in range(25)))
    assert sorted(answer.status for answer in answers) == [422] * 10 + [429] * 15


async def test_a_new_session_has_a_new_cookie(client: Client, cast: Cast, post: Post) -> None:
    client.session.cookie_jar.update_cookies({"session": "chosen-by-somebody-else"})
    answer = await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    assert answer.cookies["session"].value != "chosen-by-somebody-else"
    assert len(answer.cookies["session"].value) >= 43


async def test_a_disabled_account_is_out_at_once(
    client: Client, cast: Cast, signed_in: SignIn, post: Post, sessions: Sessions, settings: Settings
) -> None:
    await signed_in("rural")
    async with transaction(sessions) as session:
        token = await bearer_of(session, cast.rural)
        await session.execute(update(Account).values(disabled_at=now()))
    assert (await client.get("/patients")).status == 401
    assert (await client.get("/patients", headers={"Authorization": f"Bearer {token}"})).status == 401
    assert (await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)).status == 422


async def test_cookies_under_https(settings: Settings, aiohttp_client: AiohttpClient, cast: Cast) -> None:
    client = await aiohttp_client(make_app(settings.model_copy(update={"public_url": "https://clinic.example"})))
    answer = await client.post(
        "/sign-in", data={"email": cast.emails["rural"], "password": PASSWORD}, allow_redirects=False
    )
    cookie = answer.cookies["__Host-session"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert not cookie["domain"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


async def test_signing_out_ends_the_session(client: Client, signed_in: SignIn, post: Post, sessions: Sessions) -> None:
    await signed_in("rural")
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
    assert (await post("/sign-out")).status == 303
    client.session.cookie_jar.update_cookies({"session": cookie})
    answer = await client.get("/sign-in", allow_redirects=False)
    assert answer.status == 200
    assert (await actions(sessions))[-1] == "signed-out"


async def test_a_forged_form_is_refused(client: Client, signed_in: SignIn, cast: Cast) -> None:
    await signed_in("rural")
    assert (await client.post("/sign-out", data={})).status == 403
    assert (await client.post("/sign-out", data={"csrf_token": "A" * 88})).status == 403
    foreign = await client.post("/sign-in", data={"email": "x"}, headers={"Origin": "https://evil.example"})
    assert foreign.status == 403


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
async def test_one_never_lands_on_another_site(client: Client, cast: Cast, post: Post, target: str) -> None:
    answer = await post("/sign-in", email=cast.emails["rural"], password=PASSWORD, next=target)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    "body", [b"email=%00&password=x", b"email=%ff&password=x", b"\xff\xfe", b"email=%ED%A0%80", b"a=1&" * 3000]
)
async def test_what_is_not_text_is_refused_in_words(client: Client, body: bytes) -> None:
    answer = await client.post(
        "/sign-in", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}, allow_redirects=False
    )
    assert answer.status in (413, 422)


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: Client) -> None:
    answer = await client.post(
        "/sign-in", data=b"email=" + b"a" * 300_000, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status == 413


async def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/sign-in", "/healthz", "/no-such-page"):
        answer = await client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy
        assert "unsafe-eval" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(client: Client, cast: Cast, post: Post) -> None:
    answer = await client.get("/consults?state=draft", headers={"Accept": "text/html"}, allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"] == "/sign-in?next=/consults?state%3Ddraft"
    machine = await client.get("/consults")
    assert machine.status == 401


async def test_a_clients_address_is_believed_from_our_proxy_alone(
    settings: Settings, aiohttp_client: AiohttpClient, cast: Cast, sessions: Sessions
) -> None:
    for proxies, expected in (("", "127.0.0.1"), ("127.0.0.1", "192.0.2.7"), ("127.0.0.1,192.0.2.7", "198.51.100.1")):
        client = await aiohttp_client(make_app(settings.model_copy(update={"trusted_proxies": proxies})))
        await client.post(
            "/sign-in",
            data={"email": cast.emails["rural"], "password": "wrong"},
            headers={"X-Forwarded-For": "198.51.100.1, 192.0.2.7"},
        )
        async with sessions() as session:
            last = await session.scalar(select(SignInAttempt).order_by(SignInAttempt.attempted_at.desc()).limit(1))
        assert last is not None
        assert last.address == expected
