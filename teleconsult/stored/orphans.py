"""Objects that no row names: what an act left that was killed between its file and its commit. They cost room alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import obstore
from obstore.store import ObjectStore
from sqlalchemy import select, union_all

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.mailboxes.models import MailboxImport
from teleconsult.notes.models import Composition
from teleconsult.stored.sources import keys_named

ON_ITS_WAY: Final = timedelta(days=1)
"""A younger object may belong to an act whose commit has yet to come; an upload is given up after a day."""
AT_ONCE: Final = 500
MOST_TOLD: Final = 100


@dataclass(slots=True)
class Orphans:
    """How many there are, and their bytes; the first hundred by name."""

    number: int = 0
    size: int = 0
    keys: list[str] = field(default_factory=list)


async def find_orphans(sessions: Sessions, store: ObjectStore, *, at: datetime | None = None) -> Orphans:
    """Read the names of all stored objects, some hundreds at a time, and ask for the rows of those that have been there
    for a day. Takes nothing away: a database that was brought back from yesterday names less than is wanted.
    """
    found, before = Orphans(), (at or now()) - ON_ITS_WAY
    async for listed in obstore.list(store, chunk_size=AT_ONCE):
        sizes = {meta["path"]: meta["size"] for meta in listed if meta["last_modified"] < before}
        if not sizes:
            continue
        for key in sorted(sizes.keys() - await _named(sessions, list(sizes))):
            found.number, found.size = found.number + 1, found.size + sizes[key]
            if len(found.keys) < MOST_TOLD:
                found.keys.append(key)
    return found


async def _named(sessions: Sessions, keys: Sequence[str]) -> set[str]:
    """By a row that keeps them, or by one that holds them for a while."""
    passing = [
        select(column).where(column.in_(keys)) for column in (Composition.shown_object_key, MailboxImport.object_key)
    ]
    async with transaction(sessions, SYSTEM) as session:
        held = await session.scalars(union_all(*passing))
        return await keys_named(session, keys) | {key for key in held if key}
