"""Keeping marks: one report of them, filed in their study by the same way as every other object."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pydicom.dataset import Dataset
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Organization, Practitioner
from teleconsult.errors import Conflict, Forbidden, Invalid, Refused
from teleconsult.imaging.adding import add_document
from teleconsult.imaging.looking import companions
from teleconsult.imaging.marks.measuring import measured
from teleconsult.imaging.marks.models import MOST_MARKS, POINTS, Kind, Mark, MeasuredMark
from teleconsult.imaging.marks.queries import geometry_on
from teleconsult.imaging.marks.subject import subject_of
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.queries import study_for
from teleconsult.imaging.receiving import Receiver


@dataclass(frozen=True, slots=True)
class Keeping:
    """What keeping needs of the installation."""

    sessions: Sessions
    receiver: Receiver


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that goes into a report, read before it is written; nothing where it is kept already."""

    study_id: uuid.UUID
    about: Dataset
    images: list[tuple[str, str, str, int]]
    marks: list[MeasuredMark]
    practitioner: Practitioner
    organization: str
    at: datetime


def report_uid(actor: Actor, key: uuid.UUID) -> str:
    """Of the report that an actor's marks of this `key` stand in."""
    return f"2.25.{uuid.uuid5(key, str(actor.role_id)).int}"


async def keep_marks(
    keeping: Keeping,
    actor: Actor,
    *,
    study_uid: str,
    study_id: uuid.UUID | None,
    key: uuid.UUID,
    marks: Sequence[Mark],
) -> int:
    """Keep the marks as one report in the study, once for each `key`; how many were kept now.

    Raises NotFound for who may not see the study, Forbidden for who takes no part in a running consult about it,
    Invalid for marks that do not lie on its images, Refused where the report cannot be filed.
    """
    uid = report_uid(actor, key)
    async with transaction(keeping.sessions, actor) as session:
        prepared = await _prepare(session, actor, uid, study_uid=study_uid, study_id=study_id, marks=marks)
    if prepared is None:
        return 0
    content = await asyncio.to_thread(_write, uid, prepared)

    def record(session: AsyncSession, study: ImagingStudy) -> None:
        marks = len(prepared.marks)
        audit.record(session, actor, "measurements-kept", study, patient_id=study.patient_id, marks=marks)

    try:
        refusal = await add_document(
            keeping.sessions,
            keeping.receiver,
            actor,
            study_id=prepared.study_id,
            content=content,
            record=record,
        )
    except Conflict:  # sent twice, and the other was quicker
        return 0
    if refusal is not None:
        raise Refused("The measurements could not be kept. Try again in a moment.")
    return len(prepared.marks)


async def _prepare(
    session: AsyncSession,
    actor: Actor,
    uid: str,
    *,
    study_uid: str,
    study_id: uuid.UUID | None,
    marks: Sequence[Mark],
) -> _Prepared | None:
    study = await study_for(session, actor, study_uid, study_id=study_id)
    if not await companions(session, actor, study.id):
        raise Forbidden("Only the two doctors of a running consult can keep measurements.")
    instances = await _instances(session, study, {uid, *(mark.sop_instance_uid for mark in marks)})
    if uid in instances:
        return None
    _check(marks, instances)
    geometry = await geometry_on(session, [instance for instance, _series in instances.values()], marks)
    await session.refresh(study, ["attributes"])
    house = await session.get_one(Organization, study.organization_id)
    practitioner = await session.get_one(Practitioner, actor.practitioner_id)
    own_house = await session.get_one(Organization, actor.organization_id)
    return _Prepared(
        study_id=study.id,
        about=subject_of(study),
        images=[
            (series, instance.sop_class_uid, instance.sop_instance_uid, instance.frames)
            for instance, series in instances.values()
        ],
        marks=[measured(mark, found) for mark, found in zip(marks, geometry, strict=True)],
        practitioner=practitioner,
        organization=own_house.name,
        at=now().astimezone(ZoneInfo(house.time_zone)),
    )


async def _instances(
    session: AsyncSession, study: ImagingStudy, uids: set[str]
) -> dict[str, tuple[ImagingInstance, str]]:
    """Those of the study, each with the UID of its series."""
    found = await session.execute(
        select(ImagingInstance, ImagingSeries.series_instance_uid)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingSeries.imaging_study_id == study.id, ImagingInstance.sop_instance_uid.in_(uids))
        .order_by(ImagingSeries.number, ImagingInstance.number)
    )
    return {instance.sop_instance_uid: (instance, series) for instance, series in found}


def _check(marks: Sequence[Mark], instances: dict[str, tuple[ImagingInstance, str]]) -> None:
    if not 0 < len(marks) <= MOST_MARKS:
        raise Invalid({"": "Up to 200 measurements can be kept at once."})
    for mark in marks:
        instance = instances.get(mark.sop_instance_uid, (None, ""))[0]
        if instance is None or not 1 <= mark.frame <= instance.frames:
            raise Invalid({"": "A measurement is on an image that is not in this study."})
        within = all(0 <= column <= instance.columns and 0 <= row <= instance.rows for column, row in mark.points)
        if not within or len(mark.points) != POINTS[mark.kind] or not _is_extended(mark):
            raise Invalid({"": "A measurement does not lie on its image."})


def _is_extended(mark: Mark) -> bool:
    """Its points are apart; of an area both ways."""
    (x0, y0), (x1, y1), *more = mark.points
    if mark.kind is Kind.AREA:
        return x0 != x1 and y0 != y1
    return (x0, y0) != (x1, y1) and (x1, y1) not in more


def _write(uid: str, prepared: _Prepared) -> bytes:
    """In a thread, the loading of the library too."""
    from teleconsult.imaging.marks.evidence import Image, Observer
    from teleconsult.imaging.marks.report import Order, written

    who = prepared.practitioner
    order = Order(
        uid=uid,
        series_uid=f"2.25.{uuid.uuid4().int}",
        about=prepared.about,
        images=[Image(*image) for image in prepared.images],
        marks=prepared.marks,
        observer=Observer(who.family, who.given, who.prefix, prepared.organization),
        at=prepared.at,
    )
    return written(order)
