"""A page and a change of tables wait for each other: the database ends the page's transaction, and it is read again."""

import asyncio

import psycopg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from psycopg import AsyncConnection

from teleconsult.db import Sessions
from teleconsult.embedded import DatabaseUrls
from tests.conftest import Post, SignIn
from tests.waiting import eventually, is_one_held_up

Client = TestClient[web.Request, web.Application]


async def end_what_waits_for(changing: AsyncConnection[object], sessions: Sessions) -> None:
    """Who looks at imaging studies has read patients before: each has what the other wants."""
    assert await eventually(lambda: is_one_held_up(sessions))
    await changing.execute("lock table patient in access exclusive mode")
    await changing.rollback()


@pytest.fixture
def patient_owner(superuser_url: str, database: DatabaseUrls) -> tuple[str, str]:
    """Whoever waits longer than the other is ended: it is not to be this one."""
    name = str(psycopg.conninfo.conninfo_to_dict(database.app)["dbname"])
    return psycopg.conninfo.make_conninfo(superuser_url, dbname=name), "-c deadlock_timeout=60s"


async def test_what_only_looks_is_begun_anew(
    client: Client, signed_in: SignIn, sessions: Sessions, patient_owner: tuple[str, str]
) -> None:
    await signed_in("rural")
    url, options = patient_owner
    async with await AsyncConnection.connect(url, options=options) as changing:
        await changing.execute("lock table imaging_study in access exclusive mode")
        looking = asyncio.create_task(client.get("/patients"))
        await end_what_waits_for(changing, sessions)
        assert (await looking).status == 200


async def test_what_acts_is_not_done_twice(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, patient_owner: tuple[str, str]
) -> None:
    await signed_in("rural")
    url, options = patient_owner
    async with await AsyncConnection.connect(url, options=options) as changing:
        await changing.execute("lock table audit_event in access exclusive mode")
        acting = asyncio.create_task(
            post("/patients", family="Roy", given="Anne", birth_date="1980-01-01", sex="female")
        )
        await end_what_waits_for(changing, sessions)
        answer = await acting
        assert answer.status == 503
        assert "try again" in (await answer.text()).lower()
