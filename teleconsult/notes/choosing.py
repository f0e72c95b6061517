"""An image that is chosen for a note: one the consult shares, with the measurements that are kept on it."""

import base64
import uuid
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import Invalid, NotFound
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.marks.models import KeptMark
from teleconsult.imaging.marks.queries import kept_marks
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.queries import instance_for, study_for
from teleconsult.imaging.sides import Sides, sides_of
from teleconsult.notes.content import DrawnMark, KeyImage, MeasuredValue, Report

MOST_MARKS: Final = 20
"""On one image, so that something of it is still to be seen."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An image, and what is drawn on it."""

    study: ImagingStudy
    series: ImagingSeries
    instance: ImagingInstance
    frame: int
    marks: tuple[KeptMark, ...]
    reports: tuple[Report, ...]
    sides: Sides | None


async def image_to_choose(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    study_uid: str,
    study_id: uuid.UUID,
    sop_uid: str,
    frame: int,
    reports: Collection[str] = (),
) -> Chosen:
    """An image that the consult shares, for who may write its note now, with its marks of these `reports` (by UID).

    Raises NotFound, also for images of another consult, Forbidden and Refused as `open_note` does, Invalid where the
    reports are not there or say too much.
    """
    consult = await consult_for(session, actor, consult_id)
    require(consult, actor, Verb.WRITE_NOTE)
    study = await study_for(session, actor, study_uid, study_id=study_id)
    shares = exists().where(
        ExcerptStudy.imaging_study_id == study.id,
        ExcerptStudy.excerpt_id == Excerpt.id,
        Excerpt.service_request_id == consult.id,
    )
    if not await session.scalar(select(shares)):
        raise NotFound
    instance = await instance_for(session, actor, study_uid=study_uid, sop_uid=sop_uid, study_id=study.id)
    if not 1 <= frame <= instance.frames:
        raise NotFound
    asked = set(reports)
    marks = await _marks_on(session, study, sop_uid=sop_uid, frame=frame, reports=asked) if asked else ()
    kept_in = await _reports(session, study, asked) if asked else ()
    series = await session.get_one(ImagingSeries, instance.imaging_series_id)
    told = await session.scalar(select(ImagingInstance.dicom_json).where(ImagingInstance.id == instance.id))
    sides = sides_of(orjson.loads(zlib.decompress(told)), frame=frame, frames=instance.frames) if told else None
    return Chosen(study, series, instance, frame, marks, kept_in, sides)


async def _marks_on(
    session: AsyncSession, study: ImagingStudy, *, sop_uid: str, frame: int, reports: set[str]
) -> tuple[KeptMark, ...]:
    here = [
        placed
        for placed in await kept_marks(session, study)
        if placed.mark.sop_instance_uid == sop_uid
        and placed.mark.frame == frame
        and placed.report.sop_instance_uid in reports
    ]
    if {placed.report.sop_instance_uid for placed in here} != reports:
        raise Invalid({"": "The measurements on this image have changed. Open the images again."})
    if len(here) > MOST_MARKS:
        raise Invalid({"": "There are too many measurements on this image to put them into the note."})
    return tuple(placed.mark for placed in here)


async def _reports(session: AsyncSession, study: ImagingStudy, uids: set[str]) -> tuple[Report, ...]:
    found = await session.execute(
        select(ImagingSeries.series_instance_uid, ImagingInstance.sop_class_uid, ImagingInstance.sop_instance_uid)
        .join(ImagingInstance, ImagingInstance.imaging_series_id == ImagingSeries.id)
        .where(ImagingSeries.imaging_study_id == study.id, ImagingInstance.sop_instance_uid.in_(uids))
        .order_by(ImagingInstance.sop_instance_uid)
    )
    return tuple(Report(*row) for row in found)


def key_image(chosen: Chosen, *, window: tuple[float, float] | None, picture: bytes) -> KeyImage:
    """The image as the note names it; `picture` is a JPEG of it under that window (centre, width)."""
    study, series, instance = chosen.study, chosen.series, chosen.instance
    return KeyImage(
        id=str(uuid.uuid4()),
        study_uid=study.study_instance_uid,
        series_uid=series.series_instance_uid,
        sop_instance_uid=instance.sop_instance_uid,
        series=series.description,
        number=instance.number,
        frame=chosen.frame,
        frames=instance.frames,
        window=(f"{window[0]:.0f}", f"{window[1]:.0f}") if window else None,
        picture=base64.b64encode(picture).decode(),
        study=study.description,
        taken_on=_day(study.study_date),
        modality=series.modality,
        sop_class_uid=instance.sop_class_uid,
        columns=instance.columns,
        rows=instance.rows,
        marks=tuple(map(drawn_mark, chosen.marks)),
        reports=chosen.reports,
        sides=chosen.sides or (),
    )


def _day(text: str) -> str:
    """Of what DICOM writes as `20260301` where the study was made; empty for what is no day."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def drawn_mark(mark: KeptMark) -> DrawnMark:
    """A kept mark as a note has it."""
    values = (MeasuredValue(str(value.quantity), f"{value.value:.4f}", str(value.unit)) for value in mark.values)
    line = " ".join(f"{column:.2f},{row:.2f}" for column, row in mark.graphic)
    return DrawnMark(str(mark.kind), line, tuple(values), mark.at_detector)
