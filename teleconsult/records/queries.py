"""Reading a patient file: one timeline over every establishment that treated the person, and its summary."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from sqlalchemy import Select, and_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, contains_eager, joinedload

from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import Organization
from teleconsult.errors import NotFound
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import PatientFile, file_of
from teleconsult.records.models import EntryStatus, RecordEntry, ResourceType

LARGEST_PAGE: Final = 100
MOST_CHOSEN: Final = 300
SUMMARY_LIMIT: Final = 30


class EntryKind(StrEnum):
    """What a reader looks for in a file."""

    ENCOUNTERS = "encounters"
    PROBLEMS = "problems"
    MEDICINES = "medicines"
    ALLERGIES = "allergies"
    LABORATORY = "laboratory"
    DOCUMENTS = "documents"
    IMAGING = "imaging"
    NOTES = "notes"


TYPES_OF: Final = {
    EntryKind.ENCOUNTERS: (ResourceType.ENCOUNTER, ResourceType.PROCEDURE),
    EntryKind.PROBLEMS: (ResourceType.CONDITION, ResourceType.FAMILY_MEMBER_HISTORY),
    EntryKind.MEDICINES: (
        ResourceType.MEDICATION_STATEMENT,
        ResourceType.MEDICATION_REQUEST,
        ResourceType.MEDICATION_ADMINISTRATION,
        ResourceType.IMMUNIZATION,
    ),
    EntryKind.ALLERGIES: (ResourceType.ALLERGY_INTOLERANCE,),
    EntryKind.LABORATORY: (ResourceType.OBSERVATION, ResourceType.DIAGNOSTIC_REPORT),
    EntryKind.DOCUMENTS: (ResourceType.DOCUMENT_REFERENCE,),
    EntryKind.IMAGING: (ResourceType.IMAGING_STUDY,),
    EntryKind.NOTES: (ResourceType.COMPOSITION,),
}
KIND_OF: Final = {kind_of: kind for kind, types in TYPES_OF.items() for kind_of in types}
"""What is listed; the rest is kept for other systems."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: everything older comes next."""

    effective_at: datetime
    entry_id: uuid.UUID

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.effective_at.isoformat()} {self.entry_id}".encode()).decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` wrote. Raises NotFound for anything else: it came from an address somebody changed."""
        try:
            moment, entry_id = base64.urlsafe_b64decode(text.encode("ascii")).decode().split(" ")
            cursor = cls(datetime.fromisoformat(moment), uuid.UUID(entry_id))
        except (ValueError, binascii.Error) as error:
            raise NotFound from error
        if cursor.effective_at.tzinfo is None:
            raise NotFound
        return cursor


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of a file, latest first, and where to go on; `older` is None at the file's beginning."""

    entries: Sequence[RecordEntry]
    older: Cursor | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What whoever treats the patient must not overlook, as it stands now."""

    allergies: Sequence[RecordEntry]
    problems: Sequence[RecordEntry]
    medicines: Sequence[RecordEntry]


async def timeline(
    session: AsyncSession,
    actor: Actor,
    patient_id: uuid.UUID,
    *,
    kind: EntryKind | None = None,
    before: Cursor | None = None,
    limit: int = 50,
) -> Page:
    """A page of the file, latest first, from every establishment that treated the person and shares.

    Entries entered in error are among them: `status` marks them. Raises as `file_of` does.
    """
    file = await file_of(session, actor, patient_id)
    limit = min(limit, LARGEST_PAGE)
    rows = list(await session.scalars(_page(file, kind, before, limit + 1)))
    older = Cursor(rows[limit - 1].effective_at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(rows[:limit], older)


async def summary(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> Summary:
    """Current allergies, problems and medicines, each told once however many establishments know it.

    Raises as `file_of` does.
    """
    file = await file_of(session, actor, patient_id)
    resource = RecordEntry.resource
    clinical_status = resource["clinicalStatus"]["coding"][0]["code"].astext
    standing = {
        ResourceType.ALLERGY_INTOLERANCE: clinical_status.is_distinct_from("resolved")
        & clinical_status.is_distinct_from("inactive"),
        ResourceType.CONDITION: clinical_status.in_(("active", "recurrence", "relapse")),
        ResourceType.MEDICATION_STATEMENT: resource["status"].astext.in_(("active", "intended", "on-hold")),
    }
    found = {}
    for resource_type, condition in standing.items():
        rows = await session.scalars(
            select(RecordEntry)
            .where(
                RecordEntry.patient_id.in_(file.patient_ids),
                RecordEntry.resource_type == resource_type,
                RecordEntry.status == EntryStatus.CURRENT,
                condition,
            )
            .order_by(RecordEntry.effective_at.desc(), RecordEntry.id.desc())
            .limit(SUMMARY_LIMIT)
            .options(joinedload(RecordEntry.organization))
        )
        found[resource_type] = _told_once(list(rows))
    return Summary(
        allergies=found[ResourceType.ALLERGY_INTOLERANCE],
        problems=found[ResourceType.CONDITION],
        medicines=found[ResourceType.MEDICATION_STATEMENT],
    )


async def entries_of(
    session: AsyncSession, actor: Actor, patient_id: uuid.UUID, *, ids: Sequence[uuid.UUID]
) -> list[RecordEntry]:
    """These entries of the file, latest first; what is not of this file is left out. Raises as `file_of` does."""
    file = await file_of(session, actor, patient_id)
    rows = await session.scalars(
        select(RecordEntry)
        .where(
            RecordEntry.patient_id.in_(file.patient_ids),
            RecordEntry.id.in_(ids[:MOST_CHOSEN]),
            RecordEntry.resource_type.in_(KIND_OF),
        )
        .order_by(RecordEntry.effective_at.desc(), RecordEntry.id.desc())
        .options(joinedload(RecordEntry.organization))
    )
    return list(rows)


def _page(file: PatientFile, kind: EntryKind | None, before: Cursor | None, limit: int) -> Select[RecordEntry]:
    """The first rows of each local patient by the index, then the first of them all: never more than is shown."""
    linked = select(Patient.id).where(Patient.id.in_(file.patient_ids)).subquery()
    conditions = [RecordEntry.patient_id == linked.c.id]
    conditions.append(RecordEntry.resource_type.in_(TYPES_OF[kind] if kind else KIND_OF))
    if before is not None:
        position = tuple_(RecordEntry.effective_at, RecordEntry.id)
        conditions.append(position < tuple_(before.effective_at, before.entry_id))
    newest = (
        select(RecordEntry)
        .where(and_(*conditions))
        .order_by(RecordEntry.effective_at.desc(), RecordEntry.id.desc())
        .limit(limit)
        .lateral()
    )
    entry = aliased(RecordEntry, newest)
    return (
        select(entry)
        .select_from(linked)
        .join(newest, true())
        .join(Organization, Organization.id == entry.organization_id)
        .order_by(entry.effective_at.desc(), entry.id.desc())
        .limit(limit)
        .options(contains_eager(entry.organization))
    )


def _told_once(entries: Sequence[RecordEntry]) -> list[RecordEntry]:
    """The latest of those that bear the same title."""
    latest: dict[str, RecordEntry] = {}
    for entry in entries:
        latest.setdefault(entry.title.casefold(), entry)
    return list(latest.values())
