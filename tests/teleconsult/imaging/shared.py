"""A study that a consult shares, as rows without files: for who asks about it and looks at no pixel."""

import hashlib
import uuid

from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy

UID, SERIES = "1.2.3", "1.2.3.1"
SLICES = 3
FRAMES = {(SERIES, f"{SERIES}.{number}"): number for number in range(1, SLICES + 1)}
"""How many frames each has: the third is a moving picture of three."""


async def shared_study(sessions: Sessions, consult_id: uuid.UUID, *, uid: str = UID) -> ImagingStudy:
    """A study of one series, brought in for the consult and shared with every version of its excerpt."""
    async with transaction(sessions) as session:
        consult = await session.get_one(ServiceRequest, consult_id)
        house = consult.requester_organization_id
        study = ImagingStudy(
            organization_id=house,
            patient_id=consult.patient_id,
            service_request_id=consult_id,
            study_instance_uid=uid,
            created_at=now(),
        )
        session.add(study)
        await session.flush()
        series = ImagingSeries(imaging_study_id=study.id, series_instance_uid=f"{uid}.1", modality="CT")
        session.add(series)
        await session.flush()
        session.add_all(_instance(house, series, number) for number in range(1, SLICES + 1))
        for excerpt_id in await session.scalars(select(Excerpt.id).where(Excerpt.service_request_id == consult_id)):
            session.add(ExcerptStudy(excerpt_id=excerpt_id, imaging_study_id=study.id))
        return study


def _instance(house: uuid.UUID, series: ImagingSeries, number: int) -> ImagingInstance:
    sop = f"{series.series_instance_uid}.{number}"
    return ImagingInstance(
        organization_id=house,
        imaging_series_id=series.id,
        sop_instance_uid=sop,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        number=number,
        frames=number,
        size=1,
        sha256=hashlib.sha256(sop.encode()).digest(),
        object_key=uuid.uuid4().hex,
        created_at=now(),
    )
