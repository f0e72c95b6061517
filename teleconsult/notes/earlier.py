"""Earlier words of a draft: kept while it is written, taken back by its author alone, gone once it is signed."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound
from teleconsult.notes.models import Composition
from teleconsult.notes.queries import draft_for
from teleconsult.notes.writing_models import NoteDraftVersion

MOST_KEPT: Final = 40
APART: Final = timedelta(seconds=45)
"""A draft saves itself every few seconds: of one stretch of writing, one version is kept."""
SHORTER_BY: Final = 20
"""Characters. Who takes away that many at once may want them back, however soon."""


async def keep_earlier(session: AsyncSession, note: Composition, changed: Mapping[str, str], *, is_turn: bool) -> None:
    """Keep how the draft stands before `changed` takes its place: at a turn, or where enough has changed since."""
    if not any(text.strip() for text in note.sections.values()):
        return
    last = await session.scalar(
        select(func.max(NoteDraftVersion.written_at)).where(NoteDraftVersion.composition_id == note.id)
    )
    if not is_turn and not _is_worth_keeping(note, changed, last):
        return
    session.add(
        NoteDraftVersion(
            composition_id=note.id, version=note.version, sections=dict(note.sections), written_at=note.updated_at
        )
    )
    await session.flush()
    oldest = (
        select(NoteDraftVersion.id)
        .where(NoteDraftVersion.composition_id == note.id)
        .order_by(NoteDraftVersion.version.desc())
        .offset(MOST_KEPT)
    )
    await session.execute(delete(NoteDraftVersion).where(NoteDraftVersion.id.in_(oldest)))


def _is_worth_keeping(note: Composition, changed: Mapping[str, str], last: datetime | None) -> bool:
    if last is None or note.updated_at - last >= APART:
        return True
    return any(len(text) - len(changed.get(name, "")) >= SHORTER_BY for name, text in note.sections.items())


async def earlier_words(session: AsyncSession, actor: Actor, *, note_id: uuid.UUID) -> Sequence[NoteDraftVersion]:
    """What is kept of the actor's own draft, latest first, at most `MOST_KEPT`. Raises NotFound for anybody else."""
    note = await draft_for(session, actor, note_id)
    kept = await session.scalars(
        select(NoteDraftVersion)
        .where(NoteDraftVersion.composition_id == note.id)
        .order_by(NoteDraftVersion.version.desc())
        .limit(MOST_KEPT)
    )
    return kept.all()


async def words_of_version(
    session: AsyncSession, actor: Actor, *, note_id: uuid.UUID, version: int
) -> NoteDraftVersion:
    """One of them. Raises NotFound."""
    note = await draft_for(session, actor, note_id)
    kept = await session.scalar(
        select(NoteDraftVersion).where(NoteDraftVersion.composition_id == note.id, NoteDraftVersion.version == version)
    )
    if kept is None:
        raise NotFound
    return kept
