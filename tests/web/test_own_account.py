"""The page of one's own account, and the ends of sessions from it."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.accounts.models import WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import Post, SignIn
from tests.passkey_steps import VISIT, fresh
from tests.people import Cast
from web.devices import device_name
from web.i18n import using_locale

Client = TestClient[web.Request, web.Application]


@pytest.mark.parametrize("who", ["rural", "coordinator", "specialist", "admin"])
async def test_everybody_has_one(client: Client, cast: Cast, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    page = await (await client.get("/account")).text()
    assert cast.emails[who] in page
    assert "This browser" in page


async def test_it_names_ones_own_browsers_and_nobody_elses(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    await fresh(sessions, settings, cast.rural)
    await fresh(sessions, settings, cast.colleague)
    await signed_in("rural")
    page = await (await client.get("/account")).text()
    assert page.count('data-testid="session-row"') == 2
    assert "Chrome on Linux" in page
    assert VISIT.address in page


async def test_one_browser_is_signed_out(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    other, strangers = await fresh(sessions, settings, cast.rural), await fresh(sessions, settings, cast.colleague)
    await signed_in("rural")
    assert (await post(f"/account/sessions/{other.session_id}/ending")).status == 303
    for gone in (other.session_id, strangers.session_id, "x"):
        assert (await post(f"/account/sessions/{gone}/ending")).status == 404
    page = await (await client.get("/account")).text()
    assert page.count('data-testid="session-row"') == 1


async def test_all_others_are_signed_out(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    for _ in range(3):
        await fresh(sessions, settings, cast.rural)
    await signed_in("rural")
    assert (await post("/account/sessions/ending")).status == 303
    assert (await client.get("/account")).status == 200
    async with transaction(sessions) as session:
        assert len(list(await session.scalars(select(WebSession).where(WebSession.ended_at.is_(None))))) == 1
        ended = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "other-sessions-ended"))).one()
    assert ended.detail["sessions"] == 3


async def test_before_sign_in_there_is_none(client: Client, post: Post) -> None:
    for path in ("/account", "/account/password", "/account/application", "/account/passkeys/new", "/roles"):
        answer = await client.get(path, headers={"Accept": "text/html"}, allow_redirects=False)
        assert (answer.status, answer.headers["Location"].split("?")[0]) == (303, "/sign-in")
    for path in ("/account/sessions/ending", "/account/password", "/account/passkeys", "/role"):
        assert (await post(path)).status == 401


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Version/17.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("curl/8.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_device_has_a_name_people_know(user_agent: str, words: str) -> None:
    with using_locale("en"):
        assert device_name(user_agent) == words
