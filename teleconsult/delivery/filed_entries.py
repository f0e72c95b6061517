"""The entries that deliveries have written into patients' files, brought up to what became of their note since.

A version that is replaced is `superseded` (R4 DocumentReference.status), what was replaced or added to is `amended` (R4
composition-status), and an entry always tells of the bytes that its Binary hands out.
"""

import uuid
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.delivery.models import Channel, Delivery, Purpose
from teleconsult.fhir.notes import PdfBytes, with_revision
from teleconsult.notes.content import Relation
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.records.changing import make_next
from teleconsult.records.models import EntryStatus, RecordEntry, ResourceType

AMENDED: Final = CompositionStatus.AMENDED.value
ERROR: Final = CompositionStatus.ENTERED_IN_ERROR.value


async def tell_followed(
    session: AsyncSession, actor: Actor, delivery: Delivery, note: Composition
) -> dict[ResourceType, uuid.UUID]:
    """Say in the file of `delivery` that `note` replaces, or adds to, the one it follows; the entries of that one."""
    if note.related_id is None:
        return {}
    earlier = await session.scalar(
        select(Delivery).where(
            Delivery.composition_id == note.related_id,
            Delivery.channel == Channel.PATIENT_FILE,
            Delivery.destination == delivery.destination,
            Delivery.purpose == Purpose.DOCUMENT,
        )
    )
    entries = await _written_by(session, earlier)
    for entry in entries:
        if entry.status is EntryStatus.CURRENT and (changed := _followed(entry, note.relation)) != entry.resource:
            await _next_version(session, actor, entry, changed)
    return {entry.resource_type: entry.id for entry in entries}


async def tell_withdrawn(session: AsyncSession, actor: Actor, delivery: Delivery, *, reason: str) -> None:
    """Mark what the delivery before wrote as entered in error; it stays to be seen."""
    earlier = await session.get(Delivery, delivery.replaces_id) if delivery.replaces_id else None
    for entry in await _written_by(session, earlier):
        if entry.status is EntryStatus.CURRENT:
            await _next_version(session, actor, entry, {**entry.resource, "status": ERROR}, reason=reason)


async def tell_revision(session: AsyncSession, actor: Actor, note: Composition, pdf: PdfBytes) -> None:
    """Have every file that has the note tell of this revision of its PDF: its Binary hands it out from now on."""
    found = await session.scalars(
        select(RecordEntry)
        .where(RecordEntry.source_id == note.id, RecordEntry.resource_type == ResourceType.DOCUMENT_REFERENCE)
        .order_by(RecordEntry.id)
        .with_for_update()
    )
    for entry in found.all():
        is_error = entry.status is EntryStatus.ENTERED_IN_ERROR
        await _next_version(
            session, actor, entry, with_revision(entry.resource, pdf), reason=entry.status_reason if is_error else ""
        )


def related_to(resource: dict[str, Any], earlier: dict[ResourceType, uuid.UUID]) -> dict[str, Any]:
    """The resource, whose `relatesTo` leads to the entry of the same kind where the file has one."""
    kind = ResourceType(resource["resourceType"])
    if kind not in earlier or not resource.get("relatesTo"):
        return resource
    reference = {"reference": f"{kind.value}/{earlier[kind]}"}
    (told,) = resource["relatesTo"]
    if kind is ResourceType.COMPOSITION:  # R4 Composition.relatesTo.target[x] is one or the other
        return {**resource, "relatesTo": [{"code": told["code"], "targetReference": reference}]}
    return {**resource, "relatesTo": [{**told, "target": {**reference, **told["target"]}}]}


def _followed(entry: RecordEntry, relation: Relation) -> dict[str, Any]:
    if entry.resource_type is ResourceType.COMPOSITION:
        return {**entry.resource, "status": AMENDED}
    amended = {**entry.resource, "docStatus": AMENDED}
    return amended | ({"status": "superseded"} if relation is Relation.REPLACES else {})


async def _written_by(session: AsyncSession, delivery: Delivery | None) -> list[RecordEntry]:
    """What a delivery wrote, locked."""
    ids = [uuid.UUID(entry) for entry in delivery.receipt.get("entries", ())] if delivery is not None else []
    if not ids:
        return []
    found = await session.scalars(
        select(RecordEntry).where(RecordEntry.id.in_(ids)).order_by(RecordEntry.id).with_for_update()
    )
    return list(found)


async def _next_version(
    session: AsyncSession, actor: Actor, entry: RecordEntry, resource: dict[str, Any], *, reason: str = ""
) -> None:
    """Who wrote the document stays its author."""
    name, role_id = entry.author_name, entry.author_role_id
    await make_next(
        session,
        actor,
        entry,
        resource=resource,
        title=entry.title,
        effective_at=entry.effective_at,
        reason=reason,
    )
    entry.author_name, entry.author_role_id = name, role_id
    await session.flush()
