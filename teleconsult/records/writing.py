"""Write into a patient's file by hand."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid
from teleconsult.patients.queries import treated_patient
from teleconsult.records.actions import file_entry
from teleconsult.records.models import Origin, RecordEntry

CLOCKS_DIFFER: Final = timedelta(minutes=2)
EARLIEST: Final = 1800
"""Year."""


@dataclass(frozen=True, slots=True)
class Written:
    """One entry as it was written: the resource, what a list shows of it, and when it was so."""

    resource: Mapping[str, Any]
    title: str
    effective_at: datetime
    author_name: str | None = None
    """Who wrote it, where that is not who brings it."""
    origin: Origin = Origin.HAND
    source: str = ""


async def write_entries(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, written: Sequence[Written], key: uuid.UUID
) -> list[RecordEntry]:
    """Put them into the file of a patient whom the actor treats. `key` names what was sent: sent a second time, it is
    there already, and is not written again.

    Raises NotFound for another establishment's patient and for who writes in no file, Forbidden without a care
    relation, Invalid where there is nothing to write, on field `time` for a time to come, and as `file_entry` does.
    """
    require(actor, Permission.FILE_WRITE)
    patient = await treated_patient(session, actor, patient_id)
    if not written:
        raise Invalid({"": "Fill in at least one value."})
    check_time(max(item.effective_at for item in written))
    turn = func.hashtextextended(f"written {key}", 0)  # who presses twice writes once
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    ids = [entry_id_of(actor, patient.id, key=key, number=number) for number in range(len(written))]
    known = {row.id: row for row in await session.scalars(select(RecordEntry).where(RecordEntry.id.in_(ids)))}
    return [
        known.get(entry_id)
        or await file_entry(
            session,
            actor,
            patient_id=patient.id,
            resource=item.resource,
            title=item.title,
            effective_at=item.effective_at,
            entry_id=entry_id,
            author_name=item.author_name,
            origin=item.origin,
            source=item.source,
        )
        for entry_id, item in zip(ids, written, strict=True)
    ]


def entry_id_of(actor: Actor, patient_id: uuid.UUID, *, key: uuid.UUID, number: int = 0) -> uuid.UUID:
    """The id of what somebody writes with a form, before it is written: the same each time it is sent."""
    return uuid.uuid5(key, f"{patient_id} {actor.role_id} {number}")


def check_time(moment: datetime) -> None:
    """Raise Invalid for a time that has not come, and for one of centuries ago: a year typed in part."""
    if moment.year < EARLIEST:
        raise Invalid({"time": "Give a day and a time."})
    if moment > now() + CLOCKS_DIFFER:
        raise Invalid({"time": "This time has not come yet."})
