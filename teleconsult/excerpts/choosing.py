"""What of a file may go into an excerpt, and what usually does."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.excerpts.models import ExcerptItem
from teleconsult.patients.queries import file_of
from teleconsult.records.kinds import KIND_OF, EntryKind
from teleconsult.records.models import EntryStatus, RecordEntry
from teleconsult.records.queries import LARGEST_PAGE, entries_of, summary, timeline

Entry = TypeVar("Entry", RecordEntry, ExcerptItem)

READING_ORDER: Final = (
    EntryKind.ALLERGIES,
    EntryKind.PROBLEMS,
    EntryKind.MEDICINES,
    EntryKind.LABORATORY,
    EntryKind.IMAGING,
    EntryKind.ENCOUNTERS,
    EntryKind.DOCUMENTS,
    EntryKind.NOTES,
)
"""As a specialist wants to read an excerpt: what endangers first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the form of a request offers: entries, newest first, and which of them are usually shared."""

    entries: Sequence[RecordEntry]
    usual: frozenset[uuid.UUID]


async def choosable_entries(session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID) -> Choice:
    """What stands in the summary however old (usually shared), and the newest 200 entries of the file.

    Raises NotFound or Forbidden where the file is not open to the actor.
    """
    file = await file_of(session, actor, patient_id)
    standing = await summary(session, file)
    usual = (*standing.allergies, *standing.problems, *standing.medicines)
    newest = await timeline(session, file, limit=LARGEST_PAGE)
    older = (await timeline(session, file, before=newest.older, limit=LARGEST_PAGE)).entries if newest.older else ()
    offered = {entry.id: entry for entry in (*usual, *newest.entries, *older) if entry.status is EntryStatus.CURRENT}
    return Choice(
        entries=sorted(offered.values(), key=lambda entry: entry.effective_at, reverse=True),
        usual=frozenset(entry.id for entry in usual),
    )


async def chosen_entries(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, entry_ids: Sequence[uuid.UUID]
) -> list[RecordEntry]:
    """Those of `entry_ids` that stand in the file as the actor may read it, newest first. Raises as above."""
    entries = await entries_of(session, actor, patient_id, ids=entry_ids)
    return [entry for entry in entries if entry.status is EntryStatus.CURRENT]


def by_kind(entries: Iterable[Entry]) -> dict[EntryKind, list[Entry]]:
    """The entries under their kinds in reading order, kinds without any left out."""
    groups: dict[EntryKind, list[Entry]] = {kind: [] for kind in READING_ORDER}
    for entry in entries:
        groups[KIND_OF[entry.resource_type]].append(entry)
    return {kind: group for kind, group in groups.items() if group}
