"""Freezing an excerpt: a copy of the chosen entries as they stand, with a digest, at the moment of the request."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
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
    chosen = await chosen_entries(session, actor, patient_id=patient.id, entry_ids=entries)
    if len(chosen) != len(set(entries)):
        raise Invalid({"entries": "An entry you chose is no longer in the file. Load the page again."})
    studies = await _shared_studies(session, consult_id, patient.id, chosen)
    items = [_copied(entry, position) for position, entry in enumerate(chosen)]
    identity, moment = snapshot(patient), now()
    excerpt = Excerpt(
        id=uuid.uuid4(),
        service_request_id=consult_id,
        patient=identity,
        frozen_at=moment,
        digest=digest_of(identity, items),
        items=items,
    )
    session.add(excerpt)
    session.add_all(ExcerptStudy(excerpt_id=excerpt.id, imaging_study_id=study.id) for study in studies)
    audit.record(session, actor, "excerpt-frozen", excerpt, patient_id=patient.id, consult=consult_id, items=len(items))
    await session.flush()
    return excerpt


def snapshot(patient: Patient) -> dict[str, Any]:
    """The patient's identity as it is now: what a specialist needs to know whom they are asked about."""
    return {
        "family": patient.family,
        "given": patient.given,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
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


def _copied(entry: RecordEntry, position: int) -> ExcerptItem:
    return ExcerptItem(
        position=position,
        record_entry_id=entry.id,
        record_version=entry.version,
        resource_type=entry.resource_type,
        effective_at=entry.effective_at,
        title=entry.title,
        author_name=entry.author_name,
        organization_name=entry.organization.name,
        resource=entry.resource,
    )


async def _shared_studies(
    session: AsyncSession, consult_id: uuid.UUID, patient_id: uuid.UUID, chosen: Sequence[RecordEntry]
) -> Sequence[ImagingStudy]:
    from_file = [
        entry.source_id
        for entry in chosen
        if entry.resource_type is ResourceType.IMAGING_STUDY and entry.source_id is not None
    ]
    found = await session.scalars(
        select(ImagingStudy).where(
            (ImagingStudy.id.in_(from_file))
            | ((ImagingStudy.service_request_id == consult_id) & (ImagingStudy.patient_id == patient_id))
        )
    )
    return found.all()
