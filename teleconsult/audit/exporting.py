"""The log as a table for a spreadsheet (CSV, RFC 4180), a piece at a time; that it was taken away is recorded first."""

import csv
import io
from collections.abc import AsyncIterator, Callable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.audit.entries import Entry, entries_of
from teleconsult.audit.queries import Asked, Cursor, events
from teleconsult.audit.recording import record
from teleconsult.db import Sessions, transaction

PIECE: Final = 500
MOST: Final = 100_000
"""Rows in one file: more than a spreadsheet is read, less than a disk is filled."""
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""How a cell begins that a spreadsheet would run (CWE-1236)."""

Line = Callable[[Entry], list[str]]


def begin_export(session: AsyncSession, actor: Actor, *, asked: Asked) -> None:
    """Record that the log is taken away. Raises NotFound for who may not, StepUpNeeded without a fresh proof."""
    require(actor, Permission.AUDIT_READ)
    require_fresh(actor)
    record(
        session,
        actor,
        "audit-exported",
        patient_id=asked.patient_id,
        about=asked.practitioner_id,
        kind=asked.kind,
        since=asked.since.isoformat() if asked.since else None,
        until=asked.until.isoformat() if asked.until else None,
    )


async def exported(
    sessions: Sessions, actor: Actor, *, asked: Asked, header: list[str], line: Line
) -> AsyncIterator[bytes]:
    """The table, UTF-8 with a byte order mark; `line` writes an entry in the reader's words.

    Each piece is read in a transaction of its own: who fetches slowly holds no connection.
    """
    yield "\ufeff".encode() + table([header])
    before: Cursor | None = None
    for _ in range(MOST // PIECE):
        async with transaction(sessions, actor) as session:
            found = await events(session, actor, asked=asked, before=before, limit=PIECE)
            entries = await entries_of(session, actor, found)
        if entries:
            yield table([line(entry) for entry in entries])
        if len(found) < PIECE:
            return
        before = Cursor.of(found[-1])


def table(rows: list[list[str]]) -> bytes:
    """The rows as CSV; no cell of it is a formula, whatever somebody called themselves."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def harmless(cell: str) -> str:
    """The same words, which a spreadsheet shows instead of running."""
    return f"'{cell}" if cell.lstrip().startswith(FORMULA) or cell.startswith(FORMULA) else cell
