"""What of a file may go into an excerpt, and what usually does."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import Specialty
from teleconsult.excerpts.models import ExcerptItem
from teleconsult.excerpts.presets import suggested_entries
from teleconsult.patients.queries import file_of
from teleconsult.records.kinds import KIND_OF, EntryKind
from teleconsult.records.models import EntryStatus, RecordEntry
from teleconsult.records.narrowing import EVERYTHING, Narrowing
from teleconsult.records.queries import LARGEST_PAGE, Cursor, entries_of, entry_count, timeline

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
    """What a form offers of a file, each newest first: what is chosen, however old, and a part of the rest."""

    chosen: Sequence[RecordEntry]
    others: Sequence[RecordEntry]
    older: Cursor | None
    """Where the rest goes on; None at the file's beginning."""
    total: int
    """How many entries the file has."""


async def choosable_entries(
    session: AsyncSession,
    actor: Actor,
    *,
    patient_id: uuid.UUID,
    chosen: Collection[uuid.UUID] = (),
    only: Narrowing = EVERYTHING,
    before: Cursor | None = None,
) -> Choice:
    """The entries of `chosen` that stand, and the newest 200 others that fit `only`, older than `before`.

    Raises NotFound or Forbidden where the file is not open to the actor.
    """
    file = await file_of(session, actor, patient_id)
    standing = await chosen_entries(session, actor, patient_id=patient_id, entry_ids=list(chosen)) if chosen else []
    newest = await timeline(session, file, only=only, before=before, limit=LARGEST_PAGE)
    next_page = newest
    if newest.older:
        next_page = await timeline(session, file, only=only, before=newest.older, limit=LARGEST_PAGE)
    found = {entry.id: entry for entry in (*newest.entries, *next_page.entries)}
    return Choice(
        chosen=standing,
        others=[entry for entry in found.values() if entry.status is EntryStatus.CURRENT and entry.id not in chosen],
        older=next_page.older,
        total=await entry_count(session, file),
    )


async def suggestion_for(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, specialty: Specialty | None
) -> list[uuid.UUID]:
    """What this specialty usually needs of the file as it stands now (`presets`). Raises as above."""
    file = await file_of(session, actor, patient_id)
    return await suggested_entries(session, file, specialty=specialty, at=now())


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
