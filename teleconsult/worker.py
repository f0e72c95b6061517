"""The worker: procrastinate's, begun again each time it ended because the database was away.

Its queries are not tried again: one connection that breaks in a fetch or beside the jobs ends the whole worker. What
it had begun then is finished or broken off first, and taken up again by `take_up_abandoned`.
"""

import asyncio
import random
import time
from typing import Any, Final

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

SHORTEST: Final = 0.5
"""Seconds before it is begun again for the first time, and twice as many each time after."""
LONGEST: Final = 15.0
"""Seconds between two attempts, however long the database is away. Who has worked longer begins with `SHORTEST`."""

log = structlog.get_logger(__name__)


class _Worker(Worker):
    """Remembers what it does beside its jobs: fetching ends where that failed, and nobody is told why.

    A job whose end could not be written down would stand as begun for as long as its worker lives: so that one ends.
    """

    beside: tuple[asyncio.Task[Any], ...] = ()
    unwritten: tuple[ConnectorException, ...] = ()

    async def faults(self) -> list[BaseException]:
        """Work until something ends it: what that was, nothing where it was to end."""
        found: list[BaseException] = []
        try:
            await self.run()  # type: ignore[no-untyped-call]  # procrastinate types not all of its own
        except ConnectorException as error:
            found.append(error)
        ended = (task for task in self.beside if task.done() and not task.cancelled())
        return [*found, *self.unwritten] + [fault for task in ended if (fault := task.exception()) is not None]

    async def _persist_job_status(self, *about: Any, **more: Any) -> None:
        try:
            await super()._persist_job_status(*about, **more)
        except ConnectorException as error:
            if not _is_absence(error):  # one job's own trouble, such as another that waits under its lock
                raise
            self.unwritten += (error,)
            self.stop()  # type: ignore[no-untyped-call]  # as above

    def _start_side_tasks(self) -> list[asyncio.Task[Any]]:
        tasks = super()._start_side_tasks()
        self.beside = tuple(tasks)
        return tasks


async def keep_working(app: procrastinate.App, **options: Any) -> None:
    """Do jobs until cancelled; those that were begun have `shutdown_graceful_timeout` seconds then.

    `options` are those of procrastinate's worker, but for signals: those are the caller's. Raises what is a fault of
    ours and not of the database's.
    """
    app.perform_import_paths()  # type: ignore[no-untyped-call]  # the same
    pause = SHORTEST
    while True:
        began = time.monotonic()
        faults = await _Worker(app, install_signal_handlers=False, **options).faults()
        for fault in faults:
            if not _is_absence(fault):
                raise fault
        if not faults:
            return
        if time.monotonic() - began > LONGEST:
            pause = SHORTEST
        log.warning("worker.begins_again", after=pause, error=type(faults[0].__cause__).__name__)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (that many do not come at once: no secret)
        pause = min(2 * pause, LONGEST)


def _is_absence(error: BaseException) -> bool:
    """Whether the database was away, or went away meanwhile."""
    return isinstance(error, ConnectorException) and isinstance(error.__cause__, psycopg.OperationalError)
