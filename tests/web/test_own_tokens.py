"""One's own tokens: made, shown once, taken back."""

import re

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from tests.conftest import Post, SignIn
from tests.web.test_admin_people import wait_three_minutes

Client = TestClient[web.Request, web.Application]

WANTED = {"label": "Reading room", "purposes": "consults", "minutes": "30"}


async def test_a_token_is_shown_once_acts_in_the_role_and_ends(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("specialist")
    page = await (await post("/account/tokens", **WANTED)).text()
    found = re.search(r'data-testid="token">([^<]+)<', page)
    assert found
    bearer = {"Authorization": f"Bearer {found[1]}"}
    assert (await client.get("/consults", headers=bearer)).status == 200
    assert (await client.get("/account", headers=bearer)).status == 404, "no token opens a person's own account"
    again = await (await client.get("/account/tokens")).text()
    assert found[1] not in again
    assert "Reading room" in again
    (revocation,) = set(re.findall(r"/account/tokens/[0-9a-f-]+/revocation", again))
    assert (await post(revocation)).status == 303
    client.session.cookie_jar.clear()
    assert (await client.get("/consults", headers=bearer)).status == 401


async def test_it_wants_a_purpose_a_time_and_a_fresh_factor(signed_in: SignIn, post: Post, sessions: Sessions) -> None:
    await signed_in("specialist")
    for wrong in ({"purposes": "everything"}, {"minutes": "soon"}, {"minutes": "0"}, {"minutes": "-1"}):
        assert (await post("/account/tokens", **{**WANTED, **wrong})).status == 422, wrong
    nothing = {name: value for name, value in WANTED.items() if name != "purposes"}
    assert (await post("/account/tokens", **nothing)).status == 422
    await wait_three_minutes(sessions)
    assert (await post("/account/tokens", **WANTED)).headers["Location"].startswith("/step-up")


async def test_who_has_nothing_for_a_machine_is_told(client: Client, signed_in: SignIn) -> None:
    await signed_in("admin")
    page = await (await client.get("/account/tokens")).text()
    assert "nothing a machine may do" in page
