"""The role in force on every page, and changing it."""

from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import Engine, event, select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def second_role(sessions: Sessions, cast: Cast, code: RoleCode = RoleCode.PRIVACY_OFFICER) -> PractitionerRole:
    assert cast.rural.practitioner_id
    role = PractitionerRole(
        practitioner_id=cast.rural.practitioner_id,
        organization_id=cast.organizations["provincial"].id,
        code=code,
        started_at=now() + timedelta(seconds=1),
    )
    async with transaction(sessions) as session:
        session.add(role)
    return role


def cookie_of(client: Client) -> str:
    return client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value


async def test_who_has_one_role_sees_it_and_no_menu(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    page = await (await client.get("/")).text()
    assert 'data-testid="role-in-force"' in page
    assert 'data-testid="change-role"' not in page


async def test_who_has_two_changes_without_signing_in_again(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    role = await second_role(sessions, cast)
    await signed_in("rural")
    old = cookie_of(client)
    assert 'data-testid="change-role"' in await (await client.get("/")).text()
    part = await (await client.get("/roles", headers={"Turbo-Frame": "roles"})).text()
    assert "<html" not in part
    assert part.count('data-testid="switch-role"') == 1
    assert (await client.get("/patients")).status == 200

    answer = await post("/role", role=str(role.id))
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert cookie_of(client) != old
    page = await (await client.get("/roles")).text()
    assert "Privacy officer" in page
    assert (await client.get("/patients")).status == 404, "the role in force decides, not the person"
    client.session.cookie_jar.clear()
    client.session.cookie_jar.update_cookies({"session": old})
    assert (await client.get("/roles")).status == 401


@pytest.mark.parametrize("role", ["", "x", "00000000-0000-0000-0000-000000000000", "the specialist's"])
async def test_a_role_that_is_not_ones_own_is_not_there(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post, role: str
) -> None:
    await signed_in("rural")
    old = cookie_of(client)
    answer = await post("/role", role=str(cast.specialist.role_id) if "'" in role else role)
    assert answer.status == 404
    assert cookie_of(client) == old
    assert (await client.get("/patients")).status == 200
    async with transaction(sessions) as session:
        assert "access-denied" in set(await session.scalars(select(AuditEvent.action)))


async def test_the_menu_costs_no_page_a_query(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await signed_in("rural")
    await client.get("/sign-in", allow_redirects=False)

    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await client.get("/agenda")
        alone = len(asked)
        asked.clear()
        await second_role(sessions, cast)
        asked.clear()
        await client.get("/agenda")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(asked) == alone
