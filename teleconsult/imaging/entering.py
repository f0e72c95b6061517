"""A study's entry in the patient's timeline: what it says of the images that are here."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.fhir.imaging_studies import imaging_study
from teleconsult.imaging.models import ImagingSeries, ImagingStudy
from teleconsult.records.actions import file_entry
from teleconsult.records.models import Origin, RecordEntry

LONGEST_TITLE: Final = 300


def is_settled(study: ImagingStudy) -> bool:
    """Whether it is certain whose images these are: the names agree, or someone said they are right."""
    return study.patient_id is not None and (not study.identity_differs or study.reconciled_at is not None)


async def enter_study(
    session: AsyncSession, actor: Actor, study: ImagingStudy, *, series: Sequence[ImagingSeries] | None = None
) -> None:
    """Write the study's entry, or bring it up to date. Nothing while it is not settled.

    What a machine sent bears its name, whoever matched it with the patient. `series` are all of its series, where the
    caller has them.
    """
    if study.patient_id is None or not is_settled(study):
        return
    if series is None:
        series = (await session.scalars(select(ImagingSeries).where(ImagingSeries.imaging_study_id == study.id))).all()
    series = sorted(series, key=lambda one: (one.number, one.series_instance_uid))
    resource = imaging_study(study, series)
    title = " – ".join(part for part in ("/".join(study.modalities), study.description) if part)[:LONGEST_TITLE]
    effective_at = study.started_at or study.created_at
    entry = await session.scalar(
        select(RecordEntry).where(RecordEntry.source_id == study.id, RecordEntry.patient_id == study.patient_id)
    )
    if entry is None:
        await file_entry(
            session,
            actor,
            patient_id=study.patient_id,
            resource=resource,
            title=title,
            effective_at=effective_at,
            organization_id=study.organization_id,
            source_id=study.id,
            author_name=study.source or None,
            origin=Origin.DICOM if study.source else Origin.CONSULT,
            source=study.source,
        )
    elif any(entry.resource.get(name) != value for name, value in resource.items()):
        entry.resource, entry.title, entry.version = {**entry.resource, **resource}, title, entry.version + 1


async def count_anew(session: AsyncSession, study_id: uuid.UUID) -> None:
    """Have the entry of a study count what arrived since it was written. The session is the system's."""
    study = await session.scalar(select(ImagingStudy).where(ImagingStudy.id == study_id).with_for_update())
    if study is not None:  # removed meanwhile
        await enter_study(session, SYSTEM, study)
