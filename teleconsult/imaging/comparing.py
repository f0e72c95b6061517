"""What a study may be compared with: the same patient's others that the actor may read."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.imaging.models import ImagingStudy

MOST_OFFERED: Final = 30


async def comparable_studies(session: AsyncSession, actor: Actor, study: ImagingStudy) -> Sequence[ImagingStudy]:
    """The other studies of the patient of one that was looked up, the latest first, `MOST_OFFERED` at the most."""
    others = (
        select(ImagingStudy)
        .where(ImagingStudy.patient_id == study.patient_id, ImagingStudy.id != study.id, rows.studies(actor))
        .order_by(ImagingStudy.started_at.desc().nulls_last(), ImagingStudy.created_at.desc())
        .limit(MOST_OFFERED)
    )
    return (await session.scalars(others)).all()
