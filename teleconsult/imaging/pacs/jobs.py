"""The fetching of a study as a job: of each archive one at a time, taken up again where a worker died over it."""

import uuid
from typing import Final

from procrastinate import JobContext, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.db import Sessions, driver_connection
from teleconsult.imaging.pacs.fetching import fetch_study
from teleconsult.imaging.pacs.models import PacsFetch
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.jobs import app
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings

MOST_TRIES: Final = 5
RETRY: Final = RetryStrategy(max_attempts=MOST_TRIES, wait=10)
"""What an archive does wrong ends a fetch; what is tried again is what broke at our side, and a worker that stopped."""
AT_ONCE: Final = 2
"""Studies that are on their way at the same time, of one archive always one: mails and notes find a free turn."""
BEHIND: Final = -1
"""Its priority: mails and notes go first."""


async def queue_fetch(session: AsyncSession, fetch: PacsFetch) -> None:
    """Have it fetched once this commits."""
    connection = await driver_connection(session)
    lock = f"pacs {fetch.pacs_id.int % AT_ONCE}"
    task = fetch_from_pacs.configure(connection=connection, lock=lock, priority=BEHIND)
    await task.defer_async(fetch_id=str(fetch.id))


@app.task(name="fetch_from_pacs", pass_context=True, retry=RETRY)
async def fetch_from_pacs(context: JobContext, fetch_id: str) -> None:
    """Bring what is not here yet."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    is_last = context.job.attempts + 1 >= MOST_TRIES
    sandbox = Sandbox(workers=1)
    receiver = Receiver(
        sessions=sessions,
        objects=Objects(open_store(settings.objects_url, settings.data)),
        sandbox=sandbox,
        file_limit=settings.upload_file_limit,
    )
    try:
        await fetch_study(sessions, settings, receiver, fetch_id=uuid.UUID(fetch_id), is_last_try=is_last)
    finally:
        await sandbox.close()
