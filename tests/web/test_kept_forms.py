"""What was typed before somebody had to prove who they are stands in the form again."""

from datetime import timedelta

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from sqlalchemy import update

from teleconsult.accounts.models import WebSession
from teleconsult.db import Sessions, transaction
from teleconsult.patients.models import Patient
from teleconsult.settings import Settings
from tests.conftest import SignIn
from tests.people import PASSWORD, Cast
from tests.teleconsult.patients.steps import registered
from tests.web.test_hostile_requests import cookie_of
from web import kept_forms
from web.csrf import token_for
from web.kept_forms import COOKIE

Client = TestClient[web.Request, web.Application]
REASON = "Both cards seen, « même écriture »"


@pytest.fixture
async def twice(cast: Cast, sessions: Sessions) -> tuple[Patient, Patient]:
    """Registered, and registered again."""
    async with transaction(sessions) as session:
        return await registered(session, cast.rural), await registered(session, cast.rural, given="Luc-André")


async def send(client: Client, settings: Settings, path: str, came_from: str, **fields: str) -> ClientResponse:
    headers = {"Referer": str(client.make_url(came_from)), "Accept": "text/html"}
    data = {"csrf_token": token_for(settings, cookie_of(client)), **fields}
    return await client.post(path, data=data, headers=headers, allow_redirects=False)


async def grow_stale(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=WebSession.factor_at - timedelta(hours=1)))


async def test_the_reason_of_a_merge_outlives_the_proof(
    client: Client, settings: Settings, signed_in: SignIn, sessions: Sessions, twice: tuple[Patient, Patient]
) -> None:
    kept, merged = twice
    await signed_in("secretary")
    await grow_stale(sessions)
    page = f"/patients/{merged.id}/merge?kept={kept.id}"
    merge = {"kept_id": str(kept.id), "reason": REASON}
    away = await send(client, settings, f"/patients/{merged.id}/merge", page, **merge)
    assert away.status == 303 and away.headers["Location"].startswith("/step-up?next=")
    held = away.cookies[COOKIE]
    assert held["path"] == f"/patients/{merged.id}/merge" and held["httponly"]
    assert "cards" not in held.value, "sealed"
    back = await send(client, settings, "/step-up", "/step-up", next=page, password=PASSWORD)
    assert (back.status, back.headers["Location"]) == (303, page)
    shown = await client.get(page)
    assert f'value="{REASON}"' in await shown.text()
    assert f'value="{REASON}"' not in await (await client.get(page)).text(), "once"
    done = await send(client, settings, f"/patients/{merged.id}/merge", page, **merge)
    assert done.headers["Location"] == f"/patients/{kept.id}"


async def test_nobody_else_and_no_other_page_shows_it(
    client: Client, settings: Settings, signed_in: SignIn, sessions: Sessions, twice: tuple[Patient, Patient]
) -> None:
    kept, merged = twice
    path = f"/patients/{merged.id}/merge"
    await signed_in("secretary")
    await grow_stale(sessions)
    away = await send(client, settings, path, f"{path}?kept={kept.id}", kept_id=str(kept.id), reason=REASON)
    cookie = {COOKIE: away.cookies[COOKIE].value}
    assert REASON not in await (await client.get(path, cookies=cookie)).text()
    await signed_in("secretary")
    again = await client.get(f"{path}?kept={kept.id}", cookies=cookie)
    assert again.status == 200 and REASON not in await again.text(), "another session of the same account"
    await signed_in("rural")
    theirs = await client.get(f"{path}?kept={kept.id}", cookies=cookie)
    assert theirs.status == 200 and REASON not in await theirs.text()
    for forged in ("x", "é", "AAAA" * 20):
        assert (await client.get(f"{path}?kept={kept.id}", cookies={COOKIE: forged})).status == 200


async def test_it_is_kept_for_that_page_and_those_minutes_alone(
    client: Client,
    settings: Settings,
    signed_in: SignIn,
    sessions: Sessions,
    twice: tuple[Patient, Patient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the page is called, and however long a browser keeps a cookie."""
    kept, merged = twice
    path = f"/patients/{merged.id}/merge"
    page = f"{path}?kept={kept.id}"
    await signed_in("secretary")
    await grow_stale(sessions)
    away = await send(client, settings, path, f"{path};Domain=example.test", kept_id=str(kept.id), reason=REASON)
    assert (away.cookies[COOKIE]["domain"], away.cookies[COOKIE]["path"]) == ("", f"{path}%3BDomain=example.test")
    away = await send(client, settings, path, page, kept_id=str(kept.id), reason=REASON)
    cookie = {COOKIE: away.cookies[COOKIE].value}
    await client.post(
        "/step-up",
        data={"csrf_token": token_for(settings, cookie_of(client)), "next": page, "password": PASSWORD},
        allow_redirects=False,
    )
    assert REASON in await (await client.get(page, cookies=cookie)).text()
    monkeypatch.setattr(kept_forms, "LIFETIME_SECONDS", 0)
    assert REASON not in await (await client.get(page, cookies=cookie)).text()


async def test_no_proof_and_nothing_too_long_is_kept(
    client: Client, settings: Settings, signed_in: SignIn, sessions: Sessions, twice: tuple[Patient, Patient]
) -> None:
    kept, merged = twice
    path = f"/patients/{merged.id}/merge"
    await signed_in("secretary")
    await grow_stale(sessions)
    away = await send(client, settings, path, path, kept_id=str(kept.id), reason="x" * 5000)
    assert away.status == 303 and COOKIE not in away.cookies
