"""The worker outlives the database's absence, and nothing else that ends it."""

import asyncio
import inspect
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from psycopg.rows import TupleRow

from teleconsult import jobs, worker
from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests.teleconsult.test_jobs import status_of
from tests.waiting import eventually

Sweeper = psycopg.Connection[TupleRow]

WAITING = """select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    and query like %s"""
FETCH, DEFER = "%procrastinate_fetch_job%", "%procrastinate_defer_periodic_job%"


@asynccontextmanager
async def working(settings: Settings, sessions: Sessions, **options: Any) -> AsyncIterator[asyncio.Task[None]]:
    """A worker, until the block ends."""
    async with jobs.connected(settings.database_url or "") as app:
        task = asyncio.create_task(worker.keep_working(app, **{"additional_context": {"sessions": sessions}} | options))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task})


async def cut(sweeper: Sweeper, *queries: str) -> None:
    """End the connections in which these queries wait."""
    for query in queries:
        found: list[TupleRow] = []
        for _ in range(500):
            sweeper.execute("select pg_stat_clear_snapshot()")
            if found := sweeper.execute(WAITING, [query]).fetchall():
                break
            await asyncio.sleep(0.01)
        assert found, f"nobody waits for {query}"
        for (pid,) in found:
            sweeper.execute("select pg_terminate_backend(%s)", [pid])


async def is_tried(sessions: Sessions) -> bool:
    """Whether a job that is deferred now is taken up."""
    # Nobody is owed this delivery, so the attempt itself fails; that there is one is what counts.
    job_id = await jobs.app.configure_task("deliver_note").defer_async(delivery_id=str(uuid.uuid4()), pdf_size=1)
    for _ in range(500):
        if await status_of(sessions, job_id) == ("todo", 1):
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("queries", [(FETCH,), (DEFER,), (FETCH, DEFER)])
async def test_a_worker_whose_connections_break_goes_on(
    queries: tuple[str, ...],
    settings: Settings,
    sessions: Sessions,
    sweeper: Sweeper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "SHORTEST", 0.05)
    async with working(settings, sessions) as task:
        with sweeper.transaction():
            sweeper.execute("lock table procrastinate_jobs, procrastinate_periodic_defers in access exclusive mode")
            await cut(sweeper, *queries)
        assert await is_tried(sessions)
        assert not task.done()


@jobs.app.task(name="waits_in_a_test", pass_context=True)
async def waits(context: JobContext) -> None:
    """Until it may go on."""
    context.additional_context["begun"].set()
    await context.additional_context["may_end"].wait()


async def test_a_job_whose_end_was_not_written_down_is_found_again(
    settings: Settings, sessions: Sessions, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SHORTEST", 0.05)
    signs = {"begun": asyncio.Event(), "may_end": asyncio.Event()}
    async with working(settings, sessions, additional_context=signs):
        job_id = await waits.defer_async()
        await asyncio.wait_for(signs["begun"].wait(), 10)
        with sweeper.transaction():
            sweeper.execute("set local lock_timeout = '20s'")  # the worker looks at its jobs at the same time
            sweeper.execute("lock table procrastinate_jobs in access exclusive mode")
            signs["may_end"].set()
            await cut(sweeper, "%procrastinate_finish_job%")

        async def is_found() -> bool:
            return job_id in {job.id for job in await jobs.app.job_manager.get_stalled_jobs()}

        assert await eventually(is_found)


async def test_a_fault_of_a_query_of_ours_ends_it(settings: Settings, sessions: Sessions) -> None:
    async with working(settings, sessions, queues=["\0"], listen_notify=False) as task:
        with pytest.raises(ConnectorException):
            await asyncio.wait_for(task, 10)


async def test_a_fault_beside_the_jobs_ends_it(settings: Settings, sessions: Sessions, sweeper: Sweeper) -> None:
    sweeper.execute("alter function procrastinate_defer_periodic_job_v2 rename to lost")
    try:
        async with working(settings, sessions) as task:
            with pytest.raises(ConnectorException):
                await asyncio.wait_for(task, 10)
    finally:
        sweeper.execute("alter function lost rename to procrastinate_defer_periodic_job_v2")


async def test_a_stop_ends_it_between_two_attempts(
    settings: Settings, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    async def is_away(*_about: object, **_more: object) -> None:
        tried.set()
        raise ConnectorException from psycopg.OperationalError()

    monkeypatch.setattr(worker, "SHORTEST", 60)
    monkeypatch.setattr(JobManager, "register_worker", is_away)
    async with working(settings, sessions) as task:
        await tried.wait()
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()


def test_the_library_starts_what_goes_on_beside_the_jobs_as_we_know_it() -> None:
    assert {*inspect.signature(Worker._persist_job_status).parameters} >= {"job", "status", "retry_decision"}
    assert str(inspect.signature(Worker._start_side_tasks)) == "(self) -> 'list[asyncio.Task[Any]]'"
