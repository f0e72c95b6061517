"""The pictures of a series by their place in it, from 1: its instances in their order, each one's frames in turn."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.errors import NotFound
from teleconsult.imaging.models import ImagingInstance, ImagingSeries
from teleconsult.imaging.queries import study_for


@dataclass(frozen=True, slots=True)
class SeriesInstance:
    """An instance, as far as it takes to draw one of its frames."""

    id: uuid.UUID
    frames: int
    sha256: bytes
    object_key: str

    @property
    def places(self) -> int:
        """How many it takes; one too where it has nothing to show."""
        return max(self.frames, 1)


@dataclass(frozen=True, slots=True)
class Place:
    """A slice, as a person counts them: its number, and the frame there (both from 1)."""

    number: int
    instance: SeriesInstance
    frame: int


async def places_of(
    session: AsyncSession,
    actor: Actor,
    *,
    study_uid: str,
    series_uid: str,
    numbers: Sequence[int],
    of: int | None = None,
    study_id: uuid.UUID | None = None,
) -> list[Place]:
    """The places with these numbers of a series the actor may read, in the order given.

    None where the series has not just `of` places: it grew since they were counted, so they may be others' now.
    Raises NotFound, also for a place that the series does not have.
    """
    study = await study_for(session, actor, study_uid, study_id=study_id)
    rows = await session.execute(
        select(ImagingInstance.id, ImagingInstance.frames, ImagingInstance.sha256, ImagingInstance.object_key)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingSeries.imaging_study_id == study.id, ImagingSeries.series_instance_uid == series_uid)
        .order_by(ImagingInstance.number, ImagingInstance.sop_instance_uid)
    )
    wanted, found, before = sorted(set(numbers), reverse=True), dict[int, Place](), 0
    for row in rows:
        instance = SeriesInstance(*row)
        while wanted and before < wanted[-1] <= before + instance.places:
            number = wanted.pop()
            found[number] = Place(number, instance, number - before)
        before += instance.places
    if of is not None and before != of:
        return []
    if wanted:
        raise NotFound
    return [found[number] for number in numbers]
