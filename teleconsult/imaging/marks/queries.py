"""The marks that are kept in a study, and what the images say of sizes where new ones lie."""

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.imaging.marks.models import KeptMark, KeptReport, Mark
from teleconsult.imaging.marks.reading import read_report
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.slice_geometry import SliceGeometry, geometry_of

MOST_REPORTS: Final = 50
"""The latest of a study."""
LARGEST_REPORT: Final = 256 * 1024
"""Of a description as it is kept, compressed; a longer one is not looked through each time a study is opened."""
REPORTS: Final = (ComprehensiveSRStorage, Comprehensive3DSRStorage, EnhancedSRStorage)


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """A kept mark with the series of its image, and the report it stands in."""

    series_instance_uid: str
    report: KeptReport
    mark: KeptMark


async def kept_marks(session: AsyncSession, study: ImagingStudy) -> list[PlacedMark]:
    """The marks of the reports in a study that was looked up, as far as they lie on its images."""
    told = await session.scalars(
        select(ImagingInstance.dicom_json)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(
            ImagingSeries.imaging_study_id == study.id,
            ImagingInstance.sop_class_uid.in_(REPORTS),
            func.length(ImagingInstance.dicom_json) <= LARGEST_REPORT,
        )
        .order_by(ImagingInstance.created_at.desc())
        .limit(MOST_REPORTS)
    )
    reports = await asyncio.to_thread(_read, [one for one in told if one])
    marks = [(report, mark) for report in reports for mark in report.marks]
    uids = {mark.sop_instance_uid for _report, mark in marks}
    found = await session.execute(
        select(ImagingInstance.sop_instance_uid, ImagingSeries.series_instance_uid, ImagingInstance.frames)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingSeries.imaging_study_id == study.id, ImagingInstance.sop_instance_uid.in_(uids))
    )
    places = {uid: (series, frames) for uid, series, frames in found}
    return [
        PlacedMark(places[mark.sop_instance_uid][0], replace(report, marks=()), mark)
        for report, mark in marks
        if mark.sop_instance_uid in places and 1 <= mark.frame <= max(places[mark.sop_instance_uid][1], 1)
    ]


def _read(told: Sequence[bytes]) -> list[KeptReport]:
    return [read_report(orjson.loads(zlib.decompress(one))) for one in told]


async def geometry_on(
    session: AsyncSession, instances: Sequence[ImagingInstance], marks: Sequence[Mark]
) -> list[SliceGeometry]:
    """Of the frame each mark lies on, in their order; the instances were looked up."""
    told = await session.execute(
        select(ImagingInstance.sop_instance_uid, ImagingInstance.dicom_json).where(
            ImagingInstance.id.in_([instance.id for instance in instances])
        )
    )
    frames = {instance.sop_instance_uid: instance.frames for instance in instances}
    known = {
        uid: list(geometry_of(orjson.loads(zlib.decompress(one)) if one else {}, frames[uid])) for uid, one in told
    }
    return [known[mark.sop_instance_uid][mark.frame - 1] for mark in marks]
