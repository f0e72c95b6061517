"""Reading a file as somebody: looked up as that person may, then a page of it, or its summary."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.patients.queries import file_of
from teleconsult.records import queries
from teleconsult.records.queries import Page, Summary


async def timeline(session: AsyncSession, actor: Actor, patient_id: uuid.UUID, **narrowed: Any) -> Page:
    """As the page of the file shows it. Raises as `file_of` does."""
    return await queries.timeline(session, await file_of(session, actor, patient_id), **narrowed)


async def summary(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Summary:
    """The same."""
    return await queries.summary(session, await file_of(session, actor, patient_id))


@asynccontextmanager
async def statements_about_entries(db: AsyncSession) -> AsyncIterator[list[tuple[str, Any]]]:
    """What is asked of the entries' table inside the block, with its parameters: for a look at the plans."""
    connection = await db.connection()
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if "record_entry" in statement:
            seen.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection.sync_connection, "before_cursor_execute", note)
