"""What was done, by whom, to what (FHIR R4 AuditEvent, IHE BALP): append-only and hash-chained.

Rows are written in the act's own transaction. At its commit a trigger of the database appends one
`audit_chain` row per event: SHA-256 over the previous hash and the event's canonical text. The app's
role may insert events and read; it can change or remove neither, and cannot write the chain.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base


class AuditEvent(Base):
    """One act. `detail` holds ids and codes, never clinical content."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "recorded_at"),
        Index(None, "patient_id", "recorded_at"),
        Index(None, "entity_id", "recorded_at"),
        Index(None, "organization_id", "recorded_at"),
    )

    recorded_at: Mapped[datetime]
    action: Mapped[str]
    outcome: Mapped[str]
    account_id: Mapped[uuid.UUID | None]
    practitioner_role_id: Mapped[uuid.UUID | None]
    organization_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str]
    entity_type: Mapped[str]
    entity_id: Mapped[uuid.UUID | None]
    patient_id: Mapped[uuid.UUID | None]
    detail: Mapped[dict[str, Any]]


class AuditChain(Base):
    """The chain: one link per event, in commit order. Only the database's own trigger writes it."""

    __tablename__ = "audit_chain"

    position: Mapped[int] = mapped_column(BigInteger, unique=True)
    audit_event_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("audit_event.id"), unique=True)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
