"""Change an entry of a file: a next version of it, or word that it was entered in error. Nothing is overwritten."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from teleconsult import audit
from teleconsult.access import Permission, may, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.records.actions import checked, describe, own_resource
from teleconsult.records.models import EntryStatus, Origin, RecordEntry, RecordVersion

LONGEST_REASON = 500


async def replace_entry(
    session: AsyncSession,
    actor: Actor,
    *,
    entry_id: uuid.UUID,
    resource: Mapping[str, Any],
    title: str,
    effective_at: datetime,
    version: int | None = None,
) -> RecordEntry:
    """Make this resource the entry's next version; who changes it becomes its author (R4 §3.1.0.4, update).

    Raises NotFound for an entry of no file that the actor treats, Conflict where it is not at `version` any more,
    Refused for one that was entered in error, came from a consult, or belongs to another establishment, Invalid as
    `file_entry` does.
    """
    entry = await _to_change(session, actor, entry_id, version)
    return await make_next(session, actor, entry, resource=resource, title=title, effective_at=effective_at)


async def make_next(
    session: AsyncSession,
    actor: Actor,
    entry: RecordEntry,
    *,
    resource: Mapping[str, Any],
    title: str,
    effective_at: datetime,
    reason: str = "",
) -> RecordEntry:
    """The next version of an entry that the caller has looked up and locked; with a `reason` it is an error now.

    Raises Invalid as `file_entry` does.
    """
    kind = checked(resource, title, effective_at)
    if kind is not entry.resource_type:
        raise Invalid({"resource": "An entry keeps its kind. Say that this one was an error, and write a new one."})
    entry.version += 1
    entry.title, entry.effective_at, entry.recorded_at = title.strip(), effective_at, now()
    entry.author_name, entry.author_role_id = actor.name, actor.role_id
    entry.resource = own_resource(entry, resource)
    flag_modified(entry, "resource")  # 1.5 and 1.50 are equal, and not the same
    describe(entry)
    if reason:
        entry.status, entry.status_reason = EntryStatus.ENTERED_IN_ERROR, reason
    audit.record(
        session,
        actor,
        "entry-retracted" if reason else "entry-changed",
        entry,
        patient_id=entry.patient_id,
        version=entry.version,
    )
    await session.flush()
    return entry


async def retract_entry(
    session: AsyncSession, actor: Actor, *, entry_id: uuid.UUID, reason: str, version: int | None = None
) -> RecordEntry:
    """Say that an entry was entered in error. It stays, with the reason and who says so. Twice changes nothing more.

    Raises as `replace_entry` does, and Invalid on field `reason`.
    """
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise Invalid({"reason": "Say in a few words what was wrong (500 characters at most)."})
    found = await session.scalar(_query(actor, entry_id)) if may(actor, Permission.FILE_WRITE) else None
    if found is not None and found.status is EntryStatus.ENTERED_IN_ERROR:
        return found
    entry = await _to_change(session, actor, entry_id, version)
    entry.version += 1
    entry.status, entry.status_reason, entry.recorded_at = EntryStatus.ENTERED_IN_ERROR, reason.strip(), now()
    entry.author_name, entry.author_role_id = actor.name, actor.role_id  # of this version; the one before keeps its own
    audit.record(session, actor, "entry-retracted", entry, patient_id=entry.patient_id, version=entry.version)
    await session.flush()
    return entry


async def version_of(session: AsyncSession, actor: Actor, *, entry_id: uuid.UUID, version: int) -> RecordVersion:
    """What an entry of an open file said at a version before its current one. Raises NotFound."""
    found = await session.scalar(
        select(RecordVersion)
        .join(RecordEntry, RecordEntry.id == RecordVersion.record_entry_id)
        .where(RecordVersion.record_entry_id == entry_id, RecordVersion.version == version, rows.entries(actor))
    )
    if found is None:
        raise NotFound
    return found


def refusal(entry: RecordEntry, actor: Actor) -> Refused | None:
    """Why who treats the patient cannot change this entry; None where they can."""
    if entry.status is EntryStatus.ENTERED_IN_ERROR:
        return Refused("This entry was entered in error already. Write a new one.")
    if entry.source_id is not None or entry.origin is Origin.CONSULT:
        return Refused("This entry came from a consult. It is changed there.")
    if entry.organization_id != actor.organization_id:
        return Refused("This entry is another establishment's. Ask them to correct it.")
    return None


def _query(actor: Actor, entry_id: uuid.UUID) -> Select[RecordEntry]:
    return (
        select(RecordEntry)
        .where(RecordEntry.id == entry_id, rows.entries(actor), rows.treated_entries(actor))
        .with_for_update(of=RecordEntry)
    )


async def _to_change(session: AsyncSession, actor: Actor, entry_id: uuid.UUID, version: int | None) -> RecordEntry:
    """The entry, locked, where the actor may change it."""
    require(actor, Permission.FILE_WRITE)
    entry = await session.scalar(_query(actor, entry_id))
    if entry is None:
        raise NotFound
    if version is not None and entry.version != version:
        raise Conflict("Somebody changed this entry meanwhile. Look at it again, then change it.")
    if refused := refusal(entry, actor):
        raise refused
    return entry
