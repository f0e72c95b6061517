"""Write an AuditEvent in the act's own transaction (IHE ITI TF-1 §9, BALP)."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Base, Sessions, transaction


def record(
    session: AsyncSession,
    actor: Actor | None,
    action: str,
    entity: Base | None = None,
    *,
    patient_id: uuid.UUID | None = None,
    outcome: str = "success",
    address: str | None = None,
    **detail: str | int | bool | uuid.UUID | None,
) -> AuditEvent:
    """Add the event; it commits or vanishes with the act. `action` is a noun and a past verb: `note-signed`.

    `address` is where the act came from, for whom the actor does not say so: before sign-in.
    """
    event = event_of(actor, action, entity, patient_id=patient_id, outcome=outcome, address=address, **detail)
    session.add(event)
    return event


def event_of(
    actor: Actor | None,
    action: str,
    entity: Base | None = None,
    *,
    patient_id: uuid.UUID | None = None,
    outcome: str = "success",
    address: str | None = None,
    **detail: str | int | bool | uuid.UUID | None,
) -> AuditEvent:
    """The event, for who adds it to the act's transaction by other means than the session."""
    if actor is not None and actor.client_id is not None:
        detail["client"] = actor.client_id
    return AuditEvent(
        id=uuid.uuid4(),
        recorded_at=now(),
        action=action,
        outcome=outcome,
        account_id=actor.account_id if actor else None,
        practitioner_role_id=actor.role_id if actor else None,
        organization_id=actor.organization_id if actor else None,
        actor_name=actor.name if actor else "",
        address=address or (actor.address if actor else ""),
        entity_type=entity.__tablename__ if entity is not None else "",
        entity_id=entity.id if entity is not None else None,
        patient_id=patient_id,
        detail={key: _plain(value) for key, value in detail.items()},
    )


async def record_denied(
    sessions: Sessions,
    actor: Actor | None,
    action: str,
    *,
    patient_id: uuid.UUID | None = None,
    address: str | None = None,
    **detail: str | int | bool | uuid.UUID | None,
) -> None:
    """Record a refusal in a transaction of its own: the refused act's is about to roll back."""
    async with transaction(sessions, SYSTEM) as session:
        record(session, actor, action, None, patient_id=patient_id, outcome="denied", address=address, **detail)


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | None.__class__) else str(value)
