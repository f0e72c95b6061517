"""Episodes of care: the Encounter an entry belongs to, and what belongs to an Encounter."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.patients.queries import PatientFile
from teleconsult.records.kinds import KIND_OF
from teleconsult.records.models import RecordEntry, ResourceType


@dataclass(frozen=True, slots=True)
class Visits:
    """What a page of entries has to do with visits, by the id of the Encounter's entry."""

    titles: Mapping[uuid.UUID, str]
    """Of the visits that entries of the page belong to."""
    sizes: Mapping[uuid.UUID, int]
    """How many entries belong to each visit of the page; visits with none are left out."""


async def visits_on(session: AsyncSession, file: PatientFile, *, entries: Sequence[RecordEntry]) -> Visits:
    """The visits of a page of the entries of a file that the caller has looked up, in one query for each answer."""
    belonging = {entry.episode_id for entry in entries if entry.episode_id is not None}
    visits = [entry.id for entry in entries if entry.resource_type is ResourceType.ENCOUNTER]
    if not belonging and not visits:
        return Visits({}, {})
    of_file = RecordEntry.patient_id.in_(file.patient_ids)
    titles = select(RecordEntry.id, RecordEntry.title).where(of_file, RecordEntry.id.in_(belonging))
    sizes = (
        select(RecordEntry.episode_id, func.count())
        .where(of_file, RecordEntry.episode_id.in_(visits), RecordEntry.resource_type.in_(KIND_OF))
        .group_by(RecordEntry.episode_id)
    )
    return Visits(
        titles=dict((await session.execute(titles)).all()) if belonging else {},
        sizes={visit: size for visit, size in await session.execute(sizes) if visit} if visits else {},
    )
