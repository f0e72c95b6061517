"""Who is signed in here, and the tokens that act here."""

import re

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions, transaction
from tests.conftest import Post, SignIn
from tests.people import Cast, bearer_of

Client = TestClient[web.Request, web.Application]


async def test_sessions_here_are_listed_and_one_is_ended(client: Client, signed_in: SignIn, post: Post) -> None:
    for name in ("oncall", "stranger", "admin"):
        await signed_in(name)
    page = await (await client.get("/admin/sessions")).text()
    assert page.count('data-testid="session-row"') == 2
    assert "Girard" in page
    assert "Dubois" not in page
    assert "This browser" in page
    (ending,) = set(re.findall(r"/admin/sessions/[0-9a-f-]+/ending", page))
    assert (await post(ending)).status == 303
    assert (await post(ending)).status == 404, "it is over"
    assert "Girard" not in await (await client.get("/admin/sessions")).text()


async def test_a_token_is_listed_and_taken_back(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        token = await bearer_of(session, cast.specialist)
        await bearer_of(session, cast.stranger)
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/consults", headers=bearer)).status == 200
    await signed_in("admin")
    page = await (await client.get("/admin/tokens")).text()
    assert page.count('data-testid="token-row"') == 1
    assert token not in page
    (revocation,) = set(re.findall(r"/admin/tokens/[0-9a-f-]+/revocation", page))
    assert (await post(revocation)).status == 303
    assert "Taken back" in await (await client.get("/admin/tokens")).text()
    client.session.cookie_jar.clear()
    assert (await client.get("/consults", headers=bearer)).status == 401
