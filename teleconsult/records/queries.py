"""Reading a patient file: one timeline over every establishment that treated the person, and its summary."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from sqlalchemy import Select, and_, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, contains_eager, joinedload

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import Organization
from teleconsult.errors import NotFound
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import PatientFile, file_of
from teleconsult.records.kinds import KIND_OF
from teleconsult.records.models import EntryStatus, RecordEntry, RecordVersion, ResourceType
from teleconsult.records.narrowing import EVERYTHING, Narrowing

LARGEST_PAGE: Final = 100
MOST_CHOSEN: Final = 300
SUMMARY_LIMIT: Final = 30


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
    file: PatientFile,
    *,
    only: Narrowing = EVERYTHING,
    before: Cursor | None = None,
    limit: int = 50,
) -> Page:
    """A page of a file that the caller has looked up, latest first, from every establishment that treated the person.

    Entries entered in error are among them: `status` marks them.
    """
    limit = min(limit, LARGEST_PAGE)
    found = list(await session.scalars(_page(file, only, before, limit + 1)))
    older = Cursor(found[limit - 1].effective_at, found[limit - 1].id) if len(found) > limit else None
    return Page(found[:limit], older)


async def summary(session: AsyncSession, file: PatientFile) -> Summary:
    """Current allergies, problems and medicines, each told once however many establishments know it."""
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
        entries = await session.scalars(
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
        found[resource_type] = _told_once(list(entries))
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
    entries = await session.scalars(
        select(RecordEntry)
        .where(
            RecordEntry.patient_id.in_(file.patient_ids),
            RecordEntry.id.in_(ids[:MOST_CHOSEN]),
            RecordEntry.resource_type.in_(KIND_OF),
        )
        .order_by(RecordEntry.effective_at.desc(), RecordEntry.id.desc())
        .options(joinedload(RecordEntry.organization))
    )
    return list(entries)


async def entry_of(session: AsyncSession, actor: Actor, patient_id: uuid.UUID, *, entry_id: uuid.UUID) -> RecordEntry:
    """One entry of the file, as it stands. Raises as `file_of` does, and NotFound for one of another file."""
    found = await entries_of(session, actor, patient_id, ids=[entry_id])
    if not found:
        raise NotFound
    return found[0]


async def entry_count(session: AsyncSession, file: PatientFile) -> int:
    """How many entries stand in a file that the caller has looked up, of all that is listed."""
    counted = select(func.count()).where(
        RecordEntry.patient_id.in_(file.patient_ids),
        RecordEntry.resource_type.in_(KIND_OF),
        RecordEntry.status == EntryStatus.CURRENT,
    )
    return await session.scalar(counted) or 0


async def versions_of(session: AsyncSession, actor: Actor, *, entry_id: uuid.UUID) -> list[RecordVersion]:
    """What an entry of an open file said before, latest first."""
    found = await session.scalars(
        select(RecordVersion)
        .join(RecordEntry, RecordEntry.id == RecordVersion.record_entry_id)
        .where(RecordVersion.record_entry_id == entry_id, rows.entries(actor))
        .order_by(RecordVersion.version.desc())
        .limit(LARGEST_PAGE)
    )
    return list(found)


def _page(file: PatientFile, only: Narrowing, before: Cursor | None, limit: int) -> Select[RecordEntry]:
    """The first rows of each local patient by the index, then the first of them all: never more than is shown."""
    linked = select(Patient.id).where(Patient.id.in_(file.patient_ids)).subquery()
    conditions = [RecordEntry.patient_id == linked.c.id, *only.conditions()]
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
