"""The key images of a signed note, as key object selections within their studies: one document a study."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pydicom.dataset import Dataset
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Organization, Practitioner, PractitionerRole
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.excerpts.models import Excerpt, ExcerptStudy
from teleconsult.imaging.adding import add_document
from teleconsult.imaging.marks.subject import subject_of
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.receiving import Receiver
from teleconsult.notes.content import KeyImage, NoteContent
from teleconsult.notes.models import Composition


@dataclass(frozen=True, slots=True)
class _Object:
    """An object of the study that belongs to the choice: `frames` are those of an image of many, None of a report."""

    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    frames: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that goes into a document, read before it is written."""

    uid: str
    study_id: uuid.UUID
    about: Dataset
    objects: Sequence[_Object]
    description: str
    practitioner: Practitioner
    organization: str
    at: datetime


async def write_selections(sessions: Sessions, receiver: Receiver, *, note_id: uuid.UUID) -> int:
    """Write what is not there yet; how many documents were written now.

    A document's UID follows from note and study, so each is written once, however often this is called, and another
    note makes another. Images that are no longer there are left out. Raises Invalid for a document that is not taken.
    """

    def record(session: AsyncSession, study: ImagingStudy) -> None:
        audit.record(session, SYSTEM, "key-objects-written", study, patient_id=study.patient_id, note=note_id)

    async with transaction(sessions, SYSTEM) as session:
        prepared = await _prepare(session, note_id)
    written = 0
    for one in prepared:
        content = await asyncio.to_thread(_write, one)
        try:
            refusal = await add_document(
                sessions, receiver, SYSTEM, study_id=one.study_id, content=content, record=record
            )
        except (Conflict, NotFound):  # written meanwhile, or the study was removed
            continue
        if refusal is not None:
            raise Invalid({"": f"A key object selection was refused: {refusal}"})
        written += 1
    return written


async def _prepare(session: AsyncSession, note_id: uuid.UUID) -> list[_Prepared]:
    note = await session.get_one(Composition, note_id)
    if note.content is None:
        return []
    content = NoteContent.from_bytes(note.content)
    author = await session.get_one(
        PractitionerRole,
        note.author_role_id,
        options=[joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)],
    )
    prepared = []
    for study in await _studies(session, note, {image.study_uid for image in content.key_images}):
        chosen = [image for image in content.key_images if image.study_uid == study.study_instance_uid]
        uid = f"2.25.{uuid.uuid5(note.id, study.study_instance_uid).int}"
        objects = await _objects(session, study, chosen, uid)
        if not objects:
            continue
        await session.refresh(study, ["attributes"])
        house = await session.get_one(Organization, study.organization_id)
        prepared.append(
            _Prepared(
                uid=uid,
                study_id=study.id,
                about=subject_of(study),
                objects=objects,
                description=f"{NOTE_WORDS[content.language].title} {content.id}",
                practitioner=author.practitioner,
                organization=author.organization.name,
                at=content.written_at.astimezone(ZoneInfo(house.time_zone)),
            )
        )
    return prepared


async def _studies(session: AsyncSession, note: Composition, uids: set[str]) -> Sequence[ImagingStudy]:
    """Those the consult shares: another establishment may hold the same UID."""
    shared = (
        select(ExcerptStudy.imaging_study_id)
        .join(Excerpt, Excerpt.id == ExcerptStudy.excerpt_id)
        .where(Excerpt.service_request_id == note.service_request_id)
    )
    found = await session.scalars(
        select(ImagingStudy)
        .where(ImagingStudy.id.in_(shared), ImagingStudy.study_instance_uid.in_(uids))
        .order_by(ImagingStudy.created_at)
    )
    return found.all()


async def _objects(session: AsyncSession, study: ImagingStudy, chosen: Sequence[KeyImage], uid: str) -> list[_Object]:
    """In the order of the note, images first; nothing where the document `uid` is there already, or no image is."""
    wanted = list(dict.fromkeys(image.sop_instance_uid for image in chosen))
    reports = list(dict.fromkeys(report.sop_instance_uid for image in chosen for report in image.reports))
    rows = await session.execute(
        select(ImagingInstance, ImagingSeries.series_instance_uid)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
        .where(
            ImagingSeries.imaging_study_id == study.id, ImagingInstance.sop_instance_uid.in_([*wanted, *reports, uid])
        )
    )
    here = {instance.sop_instance_uid: (instance, series) for instance, series in rows}
    if uid in here or not here.keys() & set(wanted):
        return []
    objects = []
    for sop in (*wanted, *reports):
        if sop not in here:
            continue
        instance, series = here[sop]
        frames = sorted({image.frame for image in chosen if image.sop_instance_uid == sop})
        told = None if sop in reports else tuple(frames) if instance.frames > 1 else ()
        objects.append(_Object(series, instance.sop_class_uid, sop, told))
    return objects


def _write(prepared: _Prepared) -> bytes:
    """In a thread, the loading of the library too."""
    from teleconsult.imaging.marks.evidence import Image, Observer
    from teleconsult.imaging.marks.selection import ChosenImage, Selection, written

    who = prepared.practitioner
    images = [
        (Image(one.series_uid, one.sop_class_uid, one.sop_instance_uid, len(one.frames or ())), one.frames)
        for one in prepared.objects
    ]
    selection = Selection(
        uid=prepared.uid,
        series_uid=f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, prepared.uid).int}",
        about=prepared.about,
        images=[ChosenImage(image, frames) for image, frames in images if frames is not None],
        reports=[image for image, frames in images if frames is None],
        description=prepared.description,
        observer=Observer(who.family, who.given, who.prefix, prepared.organization),
        at=prepared.at,
    )
    return written(selection)
