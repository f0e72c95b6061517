"""Entries known by another system's number: what is sent twice is found again (R4 Identifier)."""

import uuid
from collections.abc import Collection, Iterable

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.records.models import RecordEntry, RecordIdentifier, ResourceType

Number = tuple[str, str]
"""System and value."""
MOST = 2
"""Nobody asks for more than whether there are several."""


async def known_as(session: AsyncSession, actor: Actor, *, kind: ResourceType, number: Number) -> list[RecordEntry]:
    """The entries of this kind, at the actor's establishment and in a file open to them, that say this number; two at
    most.

    Whoever else asks for the same number waits until this transaction ends: so of two that would file it, the second
    finds what the first filed.
    """
    system, value = number
    turn = func.hashtextextended(f"{actor.organization_id} {kind.value} {system} {value}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    found = await session.execute(
        numbered(actor, [number])
        .where(RecordEntry.resource_type == kind, rows.entries(actor))
        .order_by(RecordEntry.recorded_at, RecordEntry.id)
        .limit(MOST)
    )
    return [row.RecordEntry for row in found]


def numbered(actor: Actor, numbers: Collection[Number]) -> Select[str, str, RecordEntry]:
    """System, value and entry, of the actor's establishment, for one of these systems and one of these values: where
    several systems are asked for, whoever asks looks which number it is.
    """
    return (
        select(RecordIdentifier.system, RecordIdentifier.value, RecordEntry)
        .join(RecordEntry, RecordEntry.id == RecordIdentifier.record_entry_id)
        .where(
            RecordIdentifier.organization_id == actor.organization_id,
            RecordIdentifier.system.in_({system for system, _value in numbers}),
            RecordIdentifier.value.in_({value for _system, value in numbers}),
        )
    )


async def keep_numbers(session: AsyncSession, entry: RecordEntry, *, numbers: Iterable[Number]) -> None:
    """From now on the entry is found by these numbers. What is kept already stays."""
    values = [
        {
            "id": uuid.uuid4(),
            "record_entry_id": entry.id,
            "organization_id": entry.organization_id,
            "system": system,
            "value": value,
        }
        for system, value in dict.fromkeys(numbers)
    ]
    if values:
        await session.execute(insert(RecordIdentifier).values(values).on_conflict_do_nothing())
