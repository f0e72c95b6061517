"""Taking a request for storage commitment, and what can be said to it: what was looked at, of what is here."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict
from teleconsult.imaging.commitment.models import StorageCommitment
from teleconsult.imaging.models import ImagingInstance
from teleconsult.objects import Objects

MOST: Final = 10_000
"""Instances of one request."""
_AT_ONCE: Final = 500
_PLACES_AT_ONCE: Final = 8
NO_SUCH_OBJECT: Final = 0x0112
CLASS_CONFLICT: Final = 0x0119
"""Failure Reasons (PS3.4 §J.3.3.1.1.1)."""

Reference = tuple[str, str]
"""SOP class and SOP instance UID."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is said to a request: what is safe here, and what is not, with its Failure Reason."""

    transaction_uid: str
    kept: Sequence[Reference]
    failed: Sequence[tuple[Reference, int]]


async def take_request(
    session: AsyncSession, actor: Actor, *, peer_id: uuid.UUID, transaction_uid: str, instances: list[list[str]]
) -> StorageCommitment:
    """Note what a system of the actor's establishment asks. The session is the system's.

    The same again is the same request, to be reported on anew. Raises Conflict for another one of its UID.
    """
    known: StorageCommitment | None = await session.scalar(
        select(StorageCommitment)
        .where(StorageCommitment.dicom_peer_id == peer_id, StorageCommitment.transaction_uid == transaction_uid)
        .with_for_update()
    )
    if known is not None:
        if known.instances != instances:
            raise Conflict("Another request has this Transaction UID.")
        known.reported_at = known.ended_at = None
        return known
    commitment = StorageCommitment(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        dicom_peer_id=peer_id,
        transaction_uid=transaction_uid,
        instances=instances,
        asked_at=now(),
    )
    session.add(commitment)
    await session.flush()
    audit.record(session, actor, "commitment-asked", commitment, instances=len(instances))
    return commitment


async def report_on(sessions: Sessions, actor: Actor, objects: Objects, commitment: StorageCommitment) -> Report:
    """What is true now: of each instance its row at the establishment, and its bytes in the store, in their length."""
    asked: list[Reference] = [(sop_class, uid) for sop_class, uid in commitment.instances]
    kept: list[Reference] = []
    failed: list[tuple[Reference, int]] = []
    for first in range(0, len(asked), _AT_ONCE):
        some = asked[first : first + _AT_ONCE]
        async with transaction(sessions, actor) as session:
            held = await _held(session, commitment.organization_id, [uid for _class, uid in some])
        safe = await _safe(objects, [held[uid] for _class, uid in some if uid in held])
        for reference in some:
            sop_class, uid = reference
            if uid not in safe:
                failed.append((reference, NO_SUCH_OBJECT))
            elif held[uid].sop_class_uid != sop_class:
                failed.append((reference, CLASS_CONFLICT))
            else:
                kept.append(reference)
    return Report(commitment.transaction_uid, kept, failed)


async def note_report(session: AsyncSession, actor: Actor, *, commitment_id: uuid.UUID, report: Report) -> None:
    """The sender has our word. The session is the system's."""
    commitment = await session.get_one(StorageCommitment, commitment_id, with_for_update=True)
    if commitment.reported_at is None:
        commitment.reported_at = now()
        kept, failed = len(report.kept), len(report.failed)
        audit.record(session, actor, "commitment-reported", commitment, instances=kept, failed=failed)


async def _held(session: AsyncSession, organization_id: uuid.UUID, uids: list[str]) -> dict[str, ImagingInstance]:
    found = await session.scalars(
        select(ImagingInstance).where(
            ImagingInstance.organization_id == organization_id, ImagingInstance.sop_instance_uid.in_(uids)
        )
    )
    return {instance.sop_instance_uid: instance for instance in found if instance.sha256}


async def _safe(objects: Objects, instances: Sequence[ImagingInstance]) -> set[str]:
    """The UIDs of those whose bytes lie in the store, as many as came."""
    turns = asyncio.Semaphore(_PLACES_AT_ONCE)

    async def is_there(instance: ImagingInstance) -> bool:
        async with turns:
            return await objects.size_of(instance.object_key) == instance.size

    there = await asyncio.gather(*map(is_there, instances))
    return {instance.sop_instance_uid for instance, is_safe in zip(instances, there, strict=True) if is_safe}
