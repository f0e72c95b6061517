"""Freezing an excerpt: a copy of the chosen entries as they stand, with a digest.

`frozen_copy` alone makes what a specialist reads, for the preview, the request and every later version.
"""

import hashlib
import json
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid
from teleconsult.excerpts.choosing import chosen_entries
from teleconsult.excerpts.models import Excerpt, ExcerptItem, ExcerptStudy
from teleconsult.imaging.models import ImagingStudy
from teleconsult.patients.models import Patient
from teleconsult.records.models import RecordEntry, ResourceType


async def freeze_excerpt(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, patient: Patient, entries: Sequence[uuid.UUID]
) -> Excerpt:
    """Copy the entries, newest first, and share the studies among them and those brought in for the consult.

    Images under another name are shared too: the page warns both sides of it, and an emergency does not wait.
    Part of the submission. Raises Invalid on `entries` when one is not in the patient's file as the actor may read it.
    """
    chosen = await entries_to_freeze(session, actor, patient_id=patient.id, entries=entries)
    excerpt = frozen_copy(consult_id=consult_id, patient=patient, entries=chosen)
    studies = await studies_to_share(session, consult_id=consult_id, patient_id=patient.id, entries=chosen)
    await keep_excerpt(session, actor, excerpt, patient_id=patient.id, studies=[study.id for study in studies])
    return excerpt


async def entries_to_freeze(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, entries: Sequence[uuid.UUID]
) -> list[RecordEntry]:
    """These entries, newest first. Raises Invalid on `entries` when one is not in the file as the actor may read it."""
    chosen = await chosen_entries(session, actor, patient_id=patient_id, entry_ids=entries)
    if len(chosen) != len(set(entries)):
        raise Invalid({"entries": "An entry you chose is no longer in the file. Load the page again."})
    return chosen


async def studies_to_share(
    session: AsyncSession, *, consult_id: uuid.UUID, patient_id: uuid.UUID, entries: Sequence[RecordEntry]
) -> Sequence[ImagingStudy]:
    """The studies among the entries and those of the patient brought in for the consult, oldest first."""
    brought = (ImagingStudy.service_request_id == consult_id) & (ImagingStudy.patient_id == patient_id)
    found = await session.scalars(
        select(ImagingStudy)
        .where(or_(ImagingStudy.id.in_(studies_among(entries)), brought))
        .order_by(ImagingStudy.created_at)
    )
    return found.all()


def studies_among(entries: Sequence[RecordEntry]) -> list[uuid.UUID]:
    """The ids of our own studies that the entries stand for."""
    return [
        entry.source_id
        for entry in entries
        if entry.resource_type is ResourceType.IMAGING_STUDY and entry.source_id is not None
    ]


def frozen_copy(
    *,
    consult_id: uuid.UUID,
    patient: Patient,
    entries: Sequence[RecordEntry],
    kept: Sequence[ExcerptItem] = (),
    version: int = 1,
) -> Excerpt:
    """A version that is not stored yet: what was `kept` as it was frozen then, the entries as they stand now."""
    copies = [*(_copied(entry, version) for entry in entries), *(_kept(item) for item in kept)]
    # Of one entry in two states the later one comes first.
    copies.sort(key=lambda item: (item.effective_at, item.record_version), reverse=True)
    for position, item in enumerate(copies):
        item.position = position
    identity = snapshot(patient)
    return Excerpt(
        id=uuid.uuid4(),
        service_request_id=consult_id,
        version=version,
        patient=identity,
        frozen_at=now(),
        digest=digest_of(identity, copies),
        items=copies,
    )


async def keep_excerpt(
    session: AsyncSession, actor: Actor, excerpt: Excerpt, *, patient_id: uuid.UUID, studies: Collection[uuid.UUID]
) -> None:
    """Store a frozen copy with the studies it shares. Part of the act that freezes it."""
    session.add(excerpt)
    session.add_all(ExcerptStudy(excerpt_id=excerpt.id, imaging_study_id=study) for study in studies)
    audit.record(
        session,
        actor,
        "excerpt-frozen",
        excerpt,
        patient_id=patient_id,
        consult=excerpt.service_request_id,
        items=len(excerpt.items),
        version=excerpt.version,
    )
    await session.flush()


def snapshot(patient: Patient) -> dict[str, Any]:
    """The patient's identity as it is now: what a specialist needs to know whom they are asked about."""
    return {
        "family": patient.family,
        "given": patient.given,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
        "birth_year": patient.birth_year,
        "gender": patient.gender.value,
        "local_number": patient.local_number,
        "is_temporary": patient.is_temporary,
    }


def digest_of(patient: dict[str, Any], items: Sequence[ExcerptItem]) -> bytes:
    """SHA-256 over the identity and every item in order, as JSON with sorted keys and no blanks (as in RFC 8785)."""
    content = {
        "patient": patient,
        "items": [
            {
                "entry": str(item.record_entry_id),
                "version": item.record_version,
                "title": item.title,
                "author": item.author_name,
                "organization": item.organization_name,
                "effective": item.effective_at.isoformat(),
                "resource": item.resource,
            }
            for item in items
        ],
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()


def _copied(entry: RecordEntry, version: int) -> ExcerptItem:
    return ExcerptItem(
        record_entry_id=entry.id,
        record_version=entry.version,
        since_version=version,
        resource_type=entry.resource_type,
        effective_at=entry.effective_at,
        title=entry.title,
        author_name=entry.author_name,
        organization_name=entry.organization.name,
        resource=entry.resource,
    )


def _kept(item: ExcerptItem) -> ExcerptItem:
    return ExcerptItem(
        record_entry_id=item.record_entry_id,
        record_version=item.record_version,
        since_version=item.since_version,
        resource_type=item.resource_type,
        effective_at=item.effective_at,
        title=item.title,
        author_name=item.author_name,
        organization_name=item.organization_name,
        resource=item.resource,
    )
