"""The page that says whether the log is whole: asked for by those who watch over it, done by a worker."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult import jobs
from teleconsult.audit.models import AuditCheck
from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from teleconsult.settings import Settings
from tests.conftest import Post, SignIn
from tests.teleconsult.audit.log import past_the_walls

Client = TestClient[web.Request, web.Application]
PAGE = "/admin/audit-check"


async def work(settings: Settings, sessions: Sessions) -> None:
    """One worker, until the queue is empty."""
    async with jobs.connected(settings.database_url or "") as app:
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": sessions, "settings": settings},
        )


@pytest.mark.parametrize("who", ["rural", "specialist", "coordinator", "stranger", "nurse", "secretary"])
async def test_those_who_watch_over_nothing_find_nothing(
    client: Client, signed_in: SignIn, post: Post, who: str
) -> None:
    await signed_in(who)
    assert (await client.get(PAGE)).status == 404
    assert (await post(PAGE)).status == 404


@pytest.mark.parametrize("who", ["admin", "privacy", "operator"])
async def test_a_worker_reads_the_log_and_the_page_says_that_it_is_whole(
    client: Client, signed_in: SignIn, post: Post, settings: Settings, sessions: Sessions, who: str
) -> None:
    await signed_in(who)
    assert "never checked" in await (await client.get(PAGE)).text()
    assert (await post(PAGE)).status == 303
    running = await (await client.get(PAGE)).text()
    assert 'data-controller="again"' in running
    await work(settings, sessions)
    assert 'data-testid="audit-whole"' in await (await client.get(PAGE)).text()


async def test_what_was_changed_is_named(
    client: Client,
    signed_in: SignIn,
    post: Post,
    settings: Settings,
    sessions: Sessions,
    superuser_url: str,
    database: DatabaseUrls,
) -> None:
    await signed_in("admin")
    with past_the_walls(superuser_url, database) as superuser:
        superuser.execute("update audit_event set actor_name = 'somebody else' where action = 'signed-in'")
    await post(PAGE)
    await work(settings, sessions)
    page = await (await client.get(PAGE)).text()
    assert "An entry was changed." in page
    assert "CHU de la Capitale" in page


async def test_asked_twice_one_check_runs(client: Client, signed_in: SignIn, post: Post, sessions: Sessions) -> None:
    await signed_in("admin")
    await post(PAGE)
    await post(PAGE)
    async with transaction(sessions) as session:
        assert len((await session.scalars(select(AuditCheck))).all()) == 1


async def test_a_check_can_be_stopped(
    client: Client, signed_in: SignIn, post: Post, settings: Settings, sessions: Sessions
) -> None:
    await signed_in("admin")
    await post(PAGE)
    async with transaction(sessions) as session:
        check = (await session.scalars(select(AuditCheck))).one()
    assert (await post(f"{PAGE}/{check.id}/stop")).status == 303
    await work(settings, sessions)
    assert "The last check was stopped" in await (await client.get(PAGE)).text()
    await post(PAGE)
    assert 'data-controller="again"' in await (await client.get(PAGE)).text(), "another may be asked for"
