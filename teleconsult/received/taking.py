"""A mail that came becomes a row that waits: once, however often it comes."""

import hashlib
import uuid
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.directory.models import ConnectionType, Endpoint, EndpointStatus
from teleconsult.objects import Objects, new_key
from teleconsult.received.models import ReceivedMessage, ReceivedStatus

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("message_id", "sender", "subject", "answer_to", "answer_failure"), ""),
    "told": {},
    "documents": [],
}


async def house_of_mailbox(session: AsyncSession, address: str) -> uuid.UUID | None:
    """Whose mailbox it is: of the one establishment that has it among its other systems, in use."""
    found = (
        await session.scalars(
            select(Endpoint.organization_id)
            .where(
                Endpoint.connection_type == ConnectionType.SECURE_MAIL,
                Endpoint.address == address.lower(),
                Endpoint.status == EndpointStatus.ACTIVE,
            )
            .limit(2)
        )
    ).all()
    return found[0] if len(found) == 1 else None


def digest_of(head: dict[str, Any], raw: bytes) -> bytes:
    """What makes it the same message: the documents and whose they are; of what has none, its every byte."""
    if not head["documents"]:
        return hashlib.sha256(raw).digest()
    said = [f"{one['unique_id']} {one['sha256']}" for one in head["documents"]]
    return hashlib.sha256(
        "\n".join((repr(sorted(head["told"]["patient_id"].items())), *sorted(said))).encode()
    ).digest()


async def take_message(
    session: AsyncSession,
    objects: Objects,
    *,
    organization_id: uuid.UUID,
    head: dict[str, Any],
    body: bytes,
    raw: bytes,
) -> ReceivedMessage:
    """Keep it for a person to sort. One that came before is counted, and stays as it was decided."""
    digest = digest_of(head, raw)
    turn = func.hashtextextended(f"received {organization_id} {digest.hex()}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    known = await session.scalar(
        select(ReceivedMessage)
        .where(ReceivedMessage.organization_id == organization_id, ReceivedMessage.sha256 == digest)
        .with_for_update()
    )
    if known is not None:
        known.times += 1
        await session.flush()
        return known
    key = new_key("received")
    await objects.put(key, raw)
    documents, start = [], 0
    for one in head["documents"]:
        held = new_key("received")
        await objects.put(held, body[start : start + one["size"]])
        documents.append({**one, "object_key": held})
        start += one["size"]
    message = ReceivedMessage(
        id=uuid.uuid4(),
        organization_id=organization_id,
        message_id=head["message_id"],
        sha256=digest,
        sender=head["sender"],
        subject=head["subject"],
        object_key=key,
        told=head["told"],
        documents=documents,
        status=ReceivedStatus.UNREADABLE if head.get("refused") else ReceivedStatus.WAITING,
        reason=head.get("refused", ""),
        received_at=now(),
        answer_to=head["answer_to"],
        answer_failure=head["answer_failure"],
    )
    session.add(message)
    await session.flush()
    audit.record(session, SYSTEM, "message-received", message, documents=len(documents), sender=head["sender"])
    return message
