"""No audit, no act: what cannot be recorded is not done, and not shown."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.accounts.models import WebSession
from teleconsult.db import Sessions
from teleconsult.embedded import DatabaseUrls
from teleconsult.patients.models import CareRelation
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast

Client = TestClient[web.Request, web.Application]

BROKEN = {
    "the event": "revoke insert on audit_event from teleconsult_app",
    "its link": "alter table audit_chain rename to audit_chain_gone",
}
MENDED = {
    "the event": "grant insert on audit_event to teleconsult_app",
    "its link": "alter table audit_chain_gone rename to audit_chain",
}


Break = Callable[[], None]


@pytest.fixture(params=BROKEN)
def break_the_log(request: pytest.FixtureRequest, database: DatabaseUrls) -> Iterator[Break]:
    """From when it is called until the end of the test, nothing can be recorded."""
    with psycopg.connect(database.owner, autocommit=True) as owner, ExitStack() as afterwards:

        def break_it() -> None:
            owner.execute(BROKEN[request.param])
            afterwards.callback(owner.execute, MENDED[request.param])

        yield break_it


async def test_an_act_is_undone(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions, break_the_log: Break
) -> None:
    await signed_in("colleague")
    break_the_log()
    answer = await post(f"/patients/{cast.patient.id}/care-relation", reason="follow-up")
    assert answer.status == 500
    assert "try again" in await answer.text()
    async with sessions() as session:
        relations = select(func.count()).where(CareRelation.practitioner_role_id == cast.colleague.role_id)
        assert await session.scalar(relations) == 0


async def test_a_file_is_not_shown(client: Client, signed_in: SignIn, cast: Cast, break_the_log: Break) -> None:
    await signed_in("rural")
    assert "BÉLANGER" in await (await client.get(f"/patients/{cast.patient.id}")).text()
    break_the_log()
    answer = await client.get(f"/patients/{cast.patient.id}")
    assert answer.status == 500
    assert "BÉLANGER" not in await answer.text()


async def test_a_refusal_that_cannot_be_recorded_says_so(
    client: Client, signed_in: SignIn, cast: Cast, break_the_log: Break
) -> None:
    await signed_in("stranger")
    break_the_log()
    answer = await client.get(f"/patients/{cast.patient.id}")
    assert answer.status == 500
    assert "try again" in await answer.text()


async def test_nobody_signs_in(client: Client, cast: Cast, sessions: Sessions, break_the_log: Break) -> None:
    break_the_log()
    for password in (PASSWORD, "not the password"):
        form = {"email": cast.emails["rural"], "password": password}
        assert (await client.post("/sign-in", data=form, allow_redirects=False)).status == 500
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(WebSession)) == 0
