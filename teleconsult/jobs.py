"""Work that must happen after an act commits: rows of procrastinate in the same PostgreSQL.

A job is deferred inside the act's own transaction: after a rollback it never existed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import procrastinate
from procrastinate import tasks
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.db import driver_connection

MODULES = ("teleconsult.delivery.jobs",)
"""Where tasks are declared; the worker imports them all."""

app = procrastinate.App(connector=procrastinate.PsycopgConnector(), import_paths=list(MODULES))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[procrastinate.App]:
    """The job queue on the database at `url`, open inside the block."""
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=0, max_size=4, timeout=10)
    with app.replace_connector(connector) as connected_app:
        async with connected_app.open_async():
            yield connected_app


async def defer(session: AsyncSession, task: tasks.Task[Any, Any, Any], **arguments: Any) -> None:
    """Put a job into the transaction of `session`. Arguments are JSON values: ids, never clinical content."""
    await task.configure(connection=await driver_connection(session)).defer_async(**arguments)
