"""One allowance for all doors; and nobody keeps somebody else out of a browser that is known."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import Post
from tests.factors import give_totp, wrong_code
from tests.mailbox import code_in, last_mail, path_in
from tests.people import PASSWORD, Cast
from web.app import make_app

Client = TestClient[web.Request, web.Application]


async def test_wrong_tries_at_several_doors_add_up(
    client: Client, cast: Cast, post: Post, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        application = await give_totp(session, settings, cast.rural)
    email = cast.emails["rural"]
    for _ in range(3):
        assert (await post("/sign-in", email=email, password="wrong")).status == 422
    assert (await post("/sign-in/reset", email=email)).status == 303
    assert (await post("/sign-in/code", email=email)).status == 303
    for _ in range(3):
        assert (await post("/sign-in/code/entry", code="00000000")).status == 422
    assert (await post("/sign-in", email=email, password=PASSWORD)).status == 303
    for _ in range(2):
        assert (await post("/sign-in/second-factor", code=wrong_code(application))).status == 422
    for path, fields in (
        ("/sign-in/second-factor", {"code": application.now()}),
        ("/sign-in", {"email": email, "password": PASSWORD}),
        ("/sign-in/code", {"email": email}),
        ("/sign-in/code/entry", {"code": "00000000"}),
        ("/sign-in/reset", {"email": email}),
    ):
        answer = await post(path, **fields)
        assert answer.status == 429, path
        assert int(answer.headers["Retry-After"]) > 0


async def test_an_address_has_one_allowance_for_all_accounts(client: Client, cast: Cast, post: Post) -> None:
    for number in range(50):
        assert (await post("/sign-in/reset", email=f"{number}@example.test")).status == 303
    assert (await post("/sign-in", email=cast.emails["rural"], password=PASSWORD)).status == 429


@pytest.mark.parametrize("door", ["/sign-in", "/sign-in/code", "/sign-in/reset"])
async def test_a_stranger_keeps_nobody_out_of_a_browser_they_know(
    client: Client,
    cast: Cast,
    post: Post,
    settings: Settings,
    sessions: Sessions,
    aiohttp_client: AiohttpClient,
    door: str,
) -> None:
    email = cast.emails["rural"]
    cookie = (await post("/sign-in", email=email, password=PASSWORD)).cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/sign-in")
    assert int(cookie["max-age"]) > 300 * 24 * 3600
    await post("/sign-out")
    stranger = await aiohttp_client(make_app(settings))
    for number in range(60):
        of = email if number < 20 else f"{number}@example.test"
        await stranger.post(door, data={"email": of, "password": "wrong"}, allow_redirects=False)
    fresh = {"email": email, "password": PASSWORD}
    assert (await stranger.post("/sign-in", data=fresh, allow_redirects=False)).status == 429
    assert (await post("/sign-in", email=email, password=PASSWORD)).status == 303
    await post("/sign-out")
    assert (await post("/sign-in/code", email=email)).status == 303
    assert (await post("/sign-in/code/entry", code=code_in(await last_mail(settings, sessions)))).status == 303
    await post("/sign-out")
    other = await post("/sign-in", email=cast.emails["specialist"], password=PASSWORD)
    assert other.status == 429, "the browser is known to one account, not to all"


async def test_a_known_browser_has_its_own_limit(client: Client, cast: Cast, post: Post) -> None:
    email = cast.emails["rural"]
    await post("/sign-in", email=email, password=PASSWORD)
    await post("/sign-out")
    for _ in range(10):
        assert (await post("/sign-in", email=email, password="wrong")).status == 422
    assert (await post("/sign-in", email=email, password=PASSWORD)).status == 429


async def test_a_new_password_opens_the_doors_again(
    client: Client, cast: Cast, post: Post, settings: Settings, sessions: Sessions, aiohttp_client: AiohttpClient
) -> None:
    email = cast.emails["rural"]
    await post("/sign-in/reset", email=email)
    path = path_in(await last_mail(settings, sessions))
    for _ in range(12):
        await post("/sign-in", email=email, password="wrong")
    assert (await post(path, new="quatre mots bien choisis")).status == 303
    elsewhere = await aiohttp_client(make_app(settings))
    form = {"email": email, "password": "quatre mots bien choisis"}
    assert (await elsewhere.post("/sign-in", data=form, allow_redirects=False)).status == 303
