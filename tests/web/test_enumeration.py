"""Nobody learns from a door whether an address has an account: the same answer, the same work, the same rows."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from teleconsult.accounts import passwords
from teleconsult.accounts.models import OneTimeSecret, SignInAttempt
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions
from tests.conftest import Post
from tests.people import Cast
from web.requests import SESSIONS

Client = TestClient[web.Request, web.Application]
UNKNOWN = "nobody@example.test"


@dataclass
class Seen:
    """What somebody at the door, or beside it with a watch, can tell."""

    status: int
    location: str | None
    body: str
    cookies: list[str]
    statements: list[str]


@pytest.fixture
async def statements(client: Client) -> AsyncIterator[list[str]]:
    """Every SQL statement of the site's, as it is sent."""
    engine: AsyncEngine = client.server.app[SESSIONS].kw["bind"]
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", note)


async def look(client: Client, statements: list[str], path: str, *, keep_cookies: bool = False, **form: str) -> Seen:
    if not keep_cookies:
        client.session.cookie_jar.clear()
    statements.clear()
    answer = await client.post(path, data=form, allow_redirects=False)
    page = (await answer.text()).replace(form.get("email", "\0"), "ADDRESS")
    page = re.sub(r'(name="csrf_token" value|name="csrf-token" content)="[^"]+"', r"\1", page)
    return Seen(answer.status, answer.headers.get("Location"), page, sorted(answer.cookies), list(statements))


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/sign-in", {"password": "not the right one"}), ("/sign-in/code", {}), ("/sign-in/reset", {})],
)
async def test_known_and_unknown_look_alike(
    client: Client, cast: Cast, statements: list[str], path: str, fields: dict[str, str]
) -> None:
    known = await look(client, statements, path, email=cast.emails["rural"], **fields)
    unknown = await look(client, statements, path, email=UNKNOWN, **fields)
    assert known == unknown
    assert known.statements


async def test_the_code_of_nobody_fails_like_a_wrong_one(client: Client, cast: Cast, statements: list[str]) -> None:
    seen = []
    for email in (cast.emails["rural"], UNKNOWN):
        client.session.cookie_jar.clear()
        await client.post("/sign-in/code", data={"email": email}, allow_redirects=False)
        seen.append(
            [await look(client, statements, "/sign-in/code/entry", keep_cookies=True, code="0" * 8) for _ in range(6)]
        )
    assert seen[0] == seen[1]


async def test_they_leave_the_same_rows(client: Client, cast: Cast, sessions: Sessions) -> None:
    counted = []
    for email in (cast.emails["rural"], UNKNOWN):
        for path in ("/sign-in", "/sign-in/code", "/sign-in/reset"):
            await client.post(path, data={"email": email, "password": "x"}, allow_redirects=False)
        async with sessions() as session:
            counted.append(
                [await session.scalar(select(func.count()).select_from(row)) for row in (OneTimeSecret, SignInAttempt)]
            )
    assert counted == [[2, 3], [4, 6]]
    async with sessions() as session:
        actions = (await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at))).all()
    assert actions[:3] == actions[3:]


async def test_argon2_runs_for_nobody_too(
    client: Client, cast: Cast, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = passwords._fits

    def counting(password: str, password_hash: str) -> bool:
        checked.append(password)
        return verify(password, password_hash)

    monkeypatch.setattr(passwords, "_fits", counting)
    for password in ("not the right one", "mot de passe e\u0301"):
        for email in (cast.emails["rural"], UNKNOWN):
            await post("/sign-in", email=email, password=password)
    plain, composed = checked[:2], checked[2:]
    assert plain == ["not the right one"] * 2
    assert composed[:2] == composed[2:], "both forms are tried, known or not"


async def test_too_many_tries_sound_alike(client: Client, cast: Cast, statements: list[str]) -> None:
    seen = []
    for email in (cast.emails["rural"], UNKNOWN):
        for _ in range(10):
            await client.post("/sign-in", data={"email": email, "password": "x"})
        seen.append(await look(client, statements, "/sign-in", email=email, password="x"))
    assert seen[0] == seen[1]
    assert seen[0].status == 429
