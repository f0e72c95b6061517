"""Jobs outlive the worker that took them."""

import uuid

from sqlalchemy import text

from teleconsult import jobs
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings


async def work(settings: Settings, sessions: Sessions) -> None:
    """One worker, until the queue is empty."""
    async with jobs.connected(settings.database_url or "") as app:
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": sessions},
        )


async def status_of(sessions: Sessions, job_id: int) -> tuple[str, int]:
    async with transaction(sessions) as session:
        found = await session.execute(
            text("select status::text, attempts from procrastinate_jobs where id = :id"), {"id": job_id}
        )
        status, attempts = found.one()
        return status, attempts


async def test_a_job_whose_worker_died_is_taken_up_again(settings: Settings, sessions: Sessions) -> None:
    async with jobs.connected(settings.database_url or "") as app:
        # Nobody is owed this delivery, so the attempt itself fails; that there is one is what counts.
        job_id = await app.configure_task("deliver_note").defer_async(delivery_id=str(uuid.uuid4()), pdf_size=1)
    async with transaction(sessions) as session:
        await session.execute(text("update procrastinate_jobs set status = 'doing' where id = :id"), {"id": job_id})
    async with jobs.connected(settings.database_url or ""):
        await jobs.take_up_abandoned.defer_async(timestamp=0)
    await work(settings, sessions)
    assert await status_of(sessions, job_id) == ("todo", 2), "put back, tried, and to be tried later"


async def test_the_queue_waits_for_no_statement_without_end(settings: Settings) -> None:
    limits = "('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')"
    async with jobs.connected(settings.database_url or "") as app:
        rows = await app.connector.execute_query_all_async(
            f"select setting, unit from pg_settings where name in {limits} order by name"
        )
    assert [(row["setting"], row["unit"]) for row in rows] == [("60000", "ms"), ("10000", "ms"), ("15000", "ms")]
