"""Finding studies through the actor: the one look-up for pages and machines."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.uid import EncapsulatedPDFStorage
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.states import Part, part_of
from teleconsult.errors import NotFound
from teleconsult.excerpts.models import Excerpt, ExcerptRead, ExcerptStudy
from teleconsult.imaging.frame_index import VIDEO
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy

PHOTOGRAPHIC: Final = "XC"
"""The modality of photographs (PS3.3 C.7.3.1.1.1)."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much a study holds of what a doctor tells apart."""

    series: int = 0
    """Of images alone."""
    images: int = 0
    photographs: int = 0
    videos: int = 0
    documents: int = 0


@dataclass(frozen=True, slots=True)
class StudyCard:
    """What a list shows of a study; `cover` is the instance its thumbnail is made of, if any can be shown."""

    study: ImagingStudy
    series: int
    instances: int
    is_shared: bool
    cover: ImagingInstance | None
    contents: Contents


async def study_for(
    session: AsyncSession, actor: Actor, uid: str, *, study_id: uuid.UUID | None = None
) -> ImagingStudy:
    """The study of that UID which the actor may read; the newest where two establishments hold one, or `study_id`.

    Raises NotFound alike for an unknown study and for one they may not know of.
    """
    wanted = select(ImagingStudy).where(ImagingStudy.study_instance_uid == uid, rows.studies(actor))
    if study_id is not None:
        wanted = wanted.where(ImagingStudy.id == study_id)
    study = await session.scalar(wanted.order_by(ImagingStudy.created_at.desc()).limit(1))
    if study is None:
        raise NotFound
    return study


async def open_study(
    session: AsyncSession, actor: Actor, uid: str, *, study_id: uuid.UUID | None = None
) -> ImagingStudy:
    """The same, with its series and instances, for someone who now looks at it.

    The looking is audited; who shared it with an excerpt reads it in the excerpt's own log.
    """
    found = await study_for(session, actor, uid, study_id=study_id)
    study = await session.get_one(
        ImagingStudy,
        found.id,
        options=[selectinload(ImagingStudy.series).selectinload(ImagingSeries.instances)],
        populate_existing=True,
    )
    await note_opening(session, actor, study)
    return study


async def note_opening(session: AsyncSession, actor: Actor, study: ImagingStudy) -> None:
    """Note that the actor looks at a study that was looked up for them."""
    audit.record(session, actor, "study-opened", study, patient_id=study.patient_id)
    shared_by = await session.scalars(
        select(Excerpt.id)
        .join(ExcerptStudy, ExcerptStudy.excerpt_id == Excerpt.id)
        .where(ExcerptStudy.imaging_study_id == study.id, rows.shared_excerpts(actor))
        .order_by(Excerpt.service_request_id, Excerpt.version.desc())
        .ext(distinct_on(Excerpt.service_request_id))  # one look, whatever number of versions shares it
    )
    session.add_all(
        ExcerptRead(excerpt_id=excerpt_id, practitioner_role_id=actor.role_id, imaging_study_id=study.id, read_at=now())
        for excerpt_id in shared_by
    )


async def instance_for(
    session: AsyncSession, actor: Actor, *, study_uid: str, sop_uid: str, study_id: uuid.UUID | None = None
) -> ImagingInstance:
    """One instance of a study the actor may read. Raises NotFound."""
    study = await study_for(session, actor, study_uid, study_id=study_id)
    instance = await session.scalar(
        select(ImagingInstance)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(ImagingSeries.imaging_study_id == study.id, ImagingInstance.sop_instance_uid == sop_uid)
    )
    if instance is None:
        raise NotFound
    return instance


async def studies_of_consult(session: AsyncSession, actor: Actor, consult: ServiceRequest) -> list[StudyCard]:
    """The studies of a consult that was looked up through the actor, oldest first.

    The requester sees those brought in and those shared, others those shared, a coordinator none.
    """
    shared = select(ExcerptStudy.imaging_study_id).join(Excerpt).where(Excerpt.service_request_id == consult.id)
    is_of_consult: ColumnElement[bool] = ImagingStudy.id.in_(shared)
    if part_of(consult, actor) is Part.REQUESTER:
        is_of_consult = or_(is_of_consult, ImagingStudy.service_request_id == consult.id)
    studies = await session.scalars(
        select(ImagingStudy).where(is_of_consult, rows.studies(actor)).order_by(ImagingStudy.created_at)
    )
    return await cards_of(session, studies.all())


async def cards_of(session: AsyncSession, studies: Sequence[ImagingStudy]) -> list[StudyCard]:
    """What a list shows of these studies, which the caller has looked up."""
    ids = [study.id for study in studies]
    of_studies = select(ImagingSeries.imaging_study_id).where(ImagingSeries.imaging_study_id.in_(ids))
    counted = of_studies.add_columns(
        func.count(ImagingSeries.id.distinct()), func.count(ImagingInstance.id), *_contents()
    )
    counts = {
        study_id: (series, instances, Contents(*contents))
        for study_id, series, instances, *contents in await session.execute(
            counted.join(ImagingInstance).group_by(ImagingSeries.imaging_study_id)
        )
    }
    covers = await _covers(session, ids)
    shared = set(
        await session.scalars(select(ExcerptStudy.imaging_study_id).where(ExcerptStudy.imaging_study_id.in_(ids)))
    )
    cards = []
    for study in studies:
        series, instances, contents = counts.get(study.id, (0, 0, Contents()))
        cards.append(StudyCard(study, series, instances, study.id in shared, covers.get(study.id), contents))
    return cards


def _contents() -> list[ColumnElement[int]]:
    """The columns of `Contents`, of instances joined to their series."""
    is_document = ImagingInstance.sop_class_uid == EncapsulatedPDFStorage
    is_video = ImagingInstance.transfer_syntax_uid.startswith(VIDEO)
    is_photograph = and_(ImagingSeries.modality == PHOTOGRAPHIC, ~is_video, ~is_document)
    is_image = ~or_(is_document, is_video, is_photograph)
    series = func.count(ImagingSeries.id.distinct()).filter(is_image)
    return [series, *(func.count().filter(kind) for kind in (is_image, is_photograph, is_video, is_document))]


async def cover_of(
    session: AsyncSession, study_id: uuid.UUID, *, series_uid: str | None = None
) -> ImagingInstance | None:
    """The instance in the middle of a study, or of its series, if any can be shown. The caller has looked it up."""
    return (await _covers(session, [study_id], series_uid=series_uid)).get(study_id)


async def _covers(
    session: AsyncSession, study_ids: Sequence[uuid.UUID], *, series_uid: str | None = None
) -> dict[uuid.UUID, ImagingInstance]:
    within = [] if series_uid is None else [ImagingSeries.series_instance_uid == series_uid]
    ranked = (
        select(
            ImagingInstance.id,
            ImagingSeries.imaging_study_id,
            func.percent_rank()
            .over(
                partition_by=ImagingSeries.imaging_study_id,
                order_by=(ImagingSeries.number, ImagingSeries.id, ImagingInstance.number, ImagingInstance.id),
            )
            .label("place"),
        )
        .join(ImagingSeries)
        .where(ImagingSeries.imaging_study_id.in_(study_ids), ImagingInstance.frames > 0, *within)
        .subquery()
    )
    middle = await session.execute(
        select(ranked.c.imaging_study_id, ImagingInstance)
        .join(ImagingInstance, ImagingInstance.id == ranked.c.id)
        .order_by(ranked.c.imaging_study_id, func.abs(ranked.c.place - 0.5))
        .ext(distinct_on(ranked.c.imaging_study_id))
    )
    return dict(middle.all())
