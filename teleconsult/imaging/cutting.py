"""Which series of a study one may want planes through, with what it takes to decide it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from teleconsult.imaging.models import ImagingSeries, ImagingStudy
from teleconsult.imaging.volumes import FEWEST_SLICES, MODALITIES, MOST_SLICES, NoVolume


async def series_of_slices(session: AsyncSession, study: ImagingStudy) -> list[ImagingSeries]:
    """The CT, MR and PET series of a study that was looked up, in the viewer's order, with their instances."""
    found = await session.scalars(
        select(ImagingSeries)
        .where(ImagingSeries.imaging_study_id == study.id, ImagingSeries.modality.in_(MODALITIES))
        .options(selectinload(ImagingSeries.instances))
        .order_by(ImagingSeries.number)
    )
    return list(found)


def may_allow_planes(study: ImagingStudy) -> bool:
    """Whether a study, whose series and instances are loaded, has one of which it is worth asking."""
    return any(plainly_no_volume(series) in (None, NoVolume.NOT_SHOWN, NoVolume.TOO_MANY) for series in study.series)


def plainly_no_volume(series: ImagingSeries) -> NoVolume | None:
    """What its rows say already against planes through a series, before any header is read."""
    if series.modality not in MODALITIES:
        return NoVolume.OTHER_KIND
    if any(one.not_displayable_because or not one.frames for one in series.instances):
        return NoVolume.NOT_SHOWN
    frames = sum(one.frames for one in series.instances)
    if FEWEST_SLICES <= frames <= MOST_SLICES:
        return None
    return NoVolume.TOO_FEW if frames < FEWEST_SLICES else NoVolume.TOO_MANY
