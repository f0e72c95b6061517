"""One's own password, the application that makes codes, the codes on paper, from the account's page."""

import re
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from pyotp import TOTP
from sqlalchemy import update

from teleconsult.accounts.models import Totp, WebSession
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast

Client = TestClient[web.Request, web.Application]
NEW = "quatre mots sans rapport"


async def set_up(client: Client, post: Post) -> tuple[str, str]:
    """The secret of the application, and the page with the codes for paper."""
    page = await (await client.get("/account/application")).text()
    found = re.search(r'data-testid="totp-secret">([^<]+)<', page)
    assert found
    secret = found.group(1).replace(" ", "")
    answer = await post("/account/application", code=TOTP(secret).at(now()))
    assert answer.status == 200
    return secret, await answer.text()


async def test_another_password(client: Client, cast: Cast, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    assert (await client.get("/account/password")).status == 200
    changed = await post("/account/password", current=PASSWORD, new=NEW)
    assert (changed.status, changed.headers["Location"]) == (303, "/account")
    assert (await client.get("/account")).status == 200, "this session goes on"
    await post("/sign-out")
    assert (await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)).status == 422
    assert (await post("/sign-in", email=cast.emails["rural"], password=NEW)).status == 303


async def test_a_refused_one_says_why_beside_its_field(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    for fields, words in (
        ({"current": "wrong", "new": NEW}, "This is not your password."),
        ({"current": PASSWORD, "new": "short"}, "Use at least 15 characters."),
    ):
        answer = await post("/account/password", **fields)
        assert answer.status == 422
        assert words in await answer.text()


async def test_codes_are_asked_for_once_they_are_set_up(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    secret, page = await set_up(client, post)
    assert page.count("<li>") == 10
    account = await (await client.get("/account")).text()
    assert "10 left" in account
    await post("/sign-out")
    step = await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)
    assert step.headers["Location"].startswith("/sign-in/second-factor")
    async with transaction(sessions) as session:
        await session.execute(update(Totp).values(last_step=Totp.last_step - 2))
    assert (await post("/sign-in/second-factor", code=TOTP(secret).at(now()))).status == 303


async def test_a_wrong_first_code_shows_the_same_picture_again(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    page = await (await client.get("/account/application")).text()
    answer = await post("/account/application", code="000000")
    again = await answer.text()
    assert answer.status == 422
    pictures = [re.search(r'<img src="([^"]+)"', text) for text in (page, again)]
    assert pictures[0] is not None
    assert pictures[1] is not None
    assert pictures[0].group(1) == pictures[1].group(1)


async def test_new_codes_for_paper_and_doing_without(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    _secret, first = await set_up(client, post)
    again = await (await post("/account/recovery-codes")).text()
    assert again.count("<li>") == 10
    assert set(re.findall(r"<li>(\S+)</li>", again)).isdisjoint(re.findall(r"<li>(\S+)</li>", first))
    assert (await client.get("/account/application/removal")).status == 200
    assert (await post("/account/application/removal", password="wrong")).status == 422
    assert (await post("/account/application/removal", password=PASSWORD)).status == 303
    assert "10 left" not in await (await client.get("/account")).text()


async def test_each_change_wants_a_factor_shown_just_now(
    client: Client, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=WebSession.factor_at - timedelta(minutes=3)))
    for path in ("/account/application", "/account/application/removal"):
        answer = await client.get(path, allow_redirects=False)
        assert answer.headers["Location"].startswith("/step-up")
    for path in ("/account/application", "/account/application/removal", "/account/recovery-codes"):
        assert (await post(path, code="1", password=PASSWORD)).headers["Location"].startswith("/step-up")
