"""One word for all studies of a request that bear the same strange identity: of a disc, or fetched at once."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, Self

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.errors import Conflict, NotFound
from teleconsult.imaging.actions import consult_to_fill, reconcile_study
from teleconsult.imaging.models import ImagingStudy


class ToldIdentity(NamedTuple):
    """Whose images say that they are: what has to be the same for one word to be enough."""

    name: str
    number: str
    birth_date: date | None
    sex: str

    @classmethod
    def of(cls, study: ImagingStudy) -> Self:
        """That of a study."""
        return cls(study.header_patient_name, study.header_patient_id, study.header_birth_date, study.header_sex)


def unsettled(studies: Iterable[ImagingStudy]) -> dict[ToldIdentity, list[ImagingStudy]]:
    """Those about which somebody has to say whose they are, by what they tell."""
    found: dict[ToldIdentity, list[ImagingStudy]] = {}
    for study in studies:
        if study.identity_differs and study.reconciled_at is None:
            found.setdefault(ToldIdentity.of(study), []).append(study)
    return found


async def reconcile_studies(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, study_ids: Sequence[uuid.UUID]
) -> Sequence[ImagingStudy]:
    """The requester says that these images are the patient's: each is filed and stands in the log by itself.

    Raises as `reconcile_study`; Conflict where they do not tell the same, as when more came since they were shown.
    """
    await consult_to_fill(session, actor, consult_id, lock=True)
    found = await session.scalars(
        select(ImagingStudy).where(ImagingStudy.id.in_(study_ids), ImagingStudy.service_request_id == consult_id)
    )
    studies = found.all()
    if len(studies) != len(set(study_ids)):
        raise NotFound
    if len({ToldIdentity.of(study) for study in studies}) > 1:
        raise Conflict("The images changed meanwhile. Look at them again.")
    return [await reconcile_study(session, actor, study_id=study.id) for study in studies]
