"""What was measured on the images a consult shares, to be put into its note as words."""

import asyncio
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.marks.queries import LARGEST_REPORT, REPORTS
from teleconsult.imaging.marks.reading import read_report
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.notes.choosing import drawn_mark
from teleconsult.notes.content import DrawnMark

MOST_REPORTS: Final = 20
MOST_MARKS: Final = 60


@dataclass(frozen=True, slots=True)
class MeasuredOn:
    """A mark, and on which study it lies; its day as DICOM writes it (`20260301`), empty where none is known."""

    study: str
    study_date: str
    mark: DrawnMark


async def measured_on_images(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> Sequence[MeasuredOn]:
    """What the latest reports in the shared studies measured, latest first; at most 60 that exist for the actor."""
    shared = (
        select(ExcerptStudy.imaging_study_id)
        .join(Excerpt, Excerpt.id == ExcerptStudy.excerpt_id)
        .where(Excerpt.service_request_id == consult_id, rows.excerpts(actor))
    )
    told = await session.execute(
        select(ImagingStudy.description, ImagingStudy.study_date, ImagingInstance.dicom_json)
        .join(ImagingSeries, ImagingSeries.imaging_study_id == ImagingStudy.id)
        .join(ImagingInstance, ImagingInstance.imaging_series_id == ImagingSeries.id)
        .where(
            ImagingStudy.id.in_(shared),
            rows.studies(actor),
            ImagingInstance.sop_class_uid.in_(REPORTS),
            func.length(ImagingInstance.dicom_json) <= LARGEST_REPORT,
        )
        .order_by(ImagingInstance.created_at.desc())
        .limit(MOST_REPORTS)
    )
    found = [(study, day, report) for study, day, report in told if report]
    return await asyncio.to_thread(_read, found) if found else []


def _read(found: Sequence[tuple[str, str, bytes]]) -> list[MeasuredOn]:
    marks = [
        MeasuredOn(study, day, drawn_mark(mark))
        for study, day, report in found
        for mark in read_report(orjson.loads(zlib.decompress(report))).marks
    ]
    return marks[:MOST_MARKS]
