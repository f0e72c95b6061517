"""Documents that we write about images, added to their study as objects like any other: reports and key objects."""

import asyncio
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, NotFound
from teleconsult.imaging.actions import Instance, instance_row, take_turn
from teleconsult.imaging.filing import StudyRows, file_study
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.imaging.receiving import Received, Receiver
from teleconsult.imaging.refusals import Refusal

Record = Callable[[AsyncSession, ImagingStudy], None]
"""Writes into the audit what was added to a study."""


class _OneStudy(StudyRows):
    """The series of a study that is here."""

    def __init__(self, session: AsyncSession, study: ImagingStudy) -> None:
        super().__init__(session)
        self._study = study

    async def _find(self, uid: str) -> ImagingStudy | None:
        return self._study if uid == self._study.study_instance_uid else None

    async def _new(self, header: InstanceHeader) -> ImagingStudy:
        raise NotFound


async def add_document(
    sessions: Sessions, receiver: Receiver, actor: Actor, *, study_id: uuid.UUID, content: bytes, record: Record
) -> Refusal | None:
    """Put a document into a study, in the actor's name; why it is not taken, or None.

    It is filed as the system: its author need not be of the house that keeps the study. Raises NotFound where the study
    is no more, Conflict where a document of this UID is there already.
    """

    async def store(instance: Instance) -> None:
        async with transaction(sessions, SYSTEM) as session:
            await _file(session, actor, study_id, instance, record)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document"
        await asyncio.to_thread(path.write_bytes, content)
        return await receiver.receive_made(Received("document", path), store)


async def _file(session: AsyncSession, actor: Actor, study_id: uuid.UUID, instance: Instance, record: Record) -> None:
    house = await session.scalar(select(ImagingStudy.organization_id).where(ImagingStudy.id == study_id))
    if house is None:
        raise NotFound
    await take_turn(session, house)
    study = await session.scalar(select(ImagingStudy).where(ImagingStudy.id == study_id).with_for_update())
    if study is None:  # removed meanwhile
        raise NotFound
    if await session.scalar(
        select(ImagingInstance.id).where(
            ImagingInstance.organization_id == study.organization_id,
            ImagingInstance.sop_instance_uid == instance.header.sop_instance_uid,
        )
    ):
        raise Conflict("This document is in the study already.")
    series = await _OneStudy(session, study).series_of(study, instance.header)
    session.add(instance_row(series, study, instance))
    await session.flush()
    await file_study(session, actor, study)
    record(session, study)
