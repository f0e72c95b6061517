"""Look through what was read for what is unusual: some hundred acts at a time, until a page is full."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.audit.entries import care_relations_of, is_for_consult, is_without_relation, own_patients
from teleconsult.audit.kinds import CARE, READS, Kind
from teleconsult.audit.models import AuditEvent
from teleconsult.audit.queries import PAGE, Asked, Cursor, events, roles_of
from teleconsult.audit.unusual import AROUND, MANY, Around, Unusual, reasons
from teleconsult.directory.models import DutyShift, Practitioner, PractitionerRole
from teleconsult.patients.names import fold

PIECE: Final = 250
FARTHEST: Final = 2500
"""Acts looked at for one page; where fewer than a page are unusual, the page says how far it came."""
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class UnusualRead:
    """One act of reading, why it is shown, and how often the same reader came back to the same file that day."""

    event: AuditEvent
    reasons: list[Unusual]
    times: int


@dataclass(frozen=True, slots=True)
class Found:
    """A page, and where the next one begins; None where the period is through."""

    reads: list[UnusualRead]
    after: Cursor | None


async def unusual_reads(
    session: AsyncSession, actor: Actor, *, since: datetime, until: datetime | None = None, before: Cursor | None = None
) -> Found:
    """What people of the establishment read, or anybody of its patients, that deserves a question; latest first.

    Raises NotFound for who may not ask. Files opened by breaking the glass have a list of their own.
    """
    asked = Asked(kind=Kind.READING, since=since, until=until, by_people=True)
    seen: dict[tuple[object, ...], UnusualRead] = {}
    for _ in range(FARTHEST // PIECE):
        piece = await events(session, actor, asked=asked, before=before, limit=PIECE)
        for around in await _around(session, actor, piece):
            found = reasons(around)
            if found:
                _add(seen, around.event, found)
            if len(seen) == PAGE:
                return Found(list(seen.values()), Cursor.of(around.event))
        if len(piece) < PIECE:
            return Found(list(seen.values()), None)
        before = Cursor.of(piece[-1])
    return Found(list(seen.values()), before)


def _add(seen: dict[tuple[object, ...], UnusualRead], event: AuditEvent, found: list[Unusual]) -> None:
    key = (event.practitioner_role_id, event.patient_id, event.recorded_at.date(), *found)
    first = seen.get(key)
    seen[key] = UnusualRead(first.event if first else event, found, first.times + 1 if first else 1)


async def _around(session: AsyncSession, actor: Actor, piece: Sequence[AuditEvent]) -> list[Around]:
    """What the rules want to know of these acts: a handful of look-ups, however many there are."""
    reads = [event for event in piece if event.outcome == "success" and not is_without_relation(event)]
    if not reads:
        return []
    roles = await roles_of(session, {event.practitioner_role_id for event in reads if event.practitioner_role_id})
    patients = await own_patients(session, actor, {event.patient_id for event in reads if event.patient_id})
    care = await care_relations_of(session, reads)
    shifts = await _shifts(session, reads)
    counts = await _files_by_hour(session, reads)
    colleagues = await _colleagues(session, actor)
    seen = await _seen(session, reads)
    return [
        Around(
            event=event,
            reader=roles.get(event.practitioner_role_id) if event.practitioner_role_id else None,
            patient=patients.get(event.patient_id) if event.patient_id else None,
            care=care[event.patient_id, event.practitioner_role_id],
            shifts=shifts[event.practitioner_role_id],
            colleagues=colleagues,
            files_that_hour=counts.get((event.practitioner_role_id, _hour(event)), 0),
            is_for_consult=is_for_consult(event),
            is_seen=any(abs(moment - event.recorded_at) <= AROUND for moment in seen[event.patient_id]),
        )
        for event in reads
    ]


def _hour(event: AuditEvent) -> datetime:
    return event.recorded_at.replace(minute=0, second=0, microsecond=0)


async def _shifts(session: AsyncSession, reads: Sequence[AuditEvent]) -> dict[uuid.UUID | None, list[DutyShift]]:
    moments = [event.recorded_at for event in reads]
    shifts: defaultdict[uuid.UUID | None, list[DutyShift]] = defaultdict(list)
    found = await session.scalars(
        select(DutyShift).where(
            DutyShift.practitioner_role_id.in_({event.practitioner_role_id for event in reads}),
            DutyShift.starts_at <= max(moments),
            DutyShift.ends_at > min(moments),
        )
    )
    for shift in found:
        shifts[shift.practitioner_role_id].append(shift)
    return shifts


async def _files_by_hour(
    session: AsyncSession, reads: Sequence[AuditEvent]
) -> dict[tuple[uuid.UUID | None, datetime], int]:
    """Readers and hours in which they opened many files, over whole hours: a page may begin in the midst of one."""
    hour = func.date_trunc("hour", AuditEvent.recorded_at, "UTC").label("hour")
    files = func.count(AuditEvent.patient_id.distinct()).label("files")
    found = await session.execute(
        select(AuditEvent.practitioner_role_id, hour, files)
        .where(
            AuditEvent.practitioner_role_id.in_({event.practitioner_role_id for event in reads}),
            AuditEvent.recorded_at >= min(_hour(event) for event in reads),
            AuditEvent.recorded_at < max(_hour(event) for event in reads) + HOUR,
            AuditEvent.action.in_(READS),
        )
        .group_by(AuditEvent.practitioner_role_id, hour)
        .having(files >= MANY)
    )
    return {(row.practitioner_role_id, row.hour): row.files for row in found}


async def _colleagues(session: AsyncSession, actor: Actor) -> frozenset[tuple[str, str]]:
    found = await session.execute(
        select(Practitioner.family, Practitioner.given)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
        .where(rows.roles_of_house(actor), PractitionerRole.ended_at.is_(None))
        .distinct()
    )
    return frozenset((fold(row.family), fold(row.given)) for row in found)


async def _seen(session: AsyncSession, reads: Sequence[AuditEvent]) -> dict[uuid.UUID | None, list[datetime]]:
    """When patients were being seen at a distance, as the log itself says."""
    moments = [event.recorded_at for event in reads]
    seen: defaultdict[uuid.UUID | None, list[datetime]] = defaultdict(list)
    found = await session.execute(
        select(AuditEvent.patient_id, AuditEvent.recorded_at)
        .where(
            AuditEvent.patient_id.in_({event.patient_id for event in reads if event.patient_id}),
            AuditEvent.action.in_(CARE),
            AuditEvent.recorded_at >= min(moments) - AROUND,
            AuditEvent.recorded_at <= max(moments) + AROUND,
        )
        .distinct()
    )
    for row in found:
        seen[row.patient_id].append(row.recorded_at)
    return seen
