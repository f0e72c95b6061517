"""What was done, by whom, to what (FHIR R4 AuditEvent, IHE BALP): append-only and hash-chained.

Rows are written in the act's own transaction. At its commit a trigger of the database appends one `audit_chain` row
per event: SHA-256 over the previous hash and the event's text (`migrations/audit_rules.py`). Each establishment has a
chain of its own, in up to eight lanes, so that who reads never waits for who reads elsewhere. The app's role may
insert events and read; it can change or remove neither, and cannot write the chain.
"""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base

NO_ESTABLISHMENT: Final = uuid.UUID(int=0)
"""The chain of events that belong to none: failed sign-ins, the system's own acts."""
CHECKPOINTED: Final = "audit-checkpointed"


class AuditEvent(Base):
    """One act. `detail` holds ids and codes, never clinical content."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "recorded_at"),
        Index(None, "patient_id", "recorded_at"),
        Index(None, "entity_id", "recorded_at"),
        Index(None, "organization_id", "recorded_at"),
        Index(None, "patient_organization_id", "recorded_at"),
        Index(None, "practitioner_role_id", "recorded_at"),
        Index("ix_audit_event_checkpoints", "recorded_at", postgresql_where=f"action = '{CHECKPOINTED}'"),
    )

    recorded_at: Mapped[datetime]
    action: Mapped[str]
    outcome: Mapped[str]
    account_id: Mapped[uuid.UUID | None]
    practitioner_role_id: Mapped[uuid.UUID | None]
    organization_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    """Where the act came from, as the network says."""
    entity_type: Mapped[str]
    entity_id: Mapped[uuid.UUID | None]
    patient_id: Mapped[uuid.UUID | None]
    patient_organization_id: Mapped[uuid.UUID | None]
    """Whose patient it is: the database says so itself, whatever is written here."""
    detail: Mapped[dict[str, Any]]


class AuditChain(Base):
    """One link per event, in commit order within its lane. Only the database's own trigger writes it."""

    __tablename__ = "audit_chain"
    __table_args__ = (UniqueConstraint("chain", "lane", "position"),)

    id: Mapped[uuid.UUID] = mapped_column(ForeignKey("audit_event.id"), primary_key=True)
    """The event's own."""
    chain: Mapped[uuid.UUID]
    """The establishment, or `NO_ESTABLISHMENT`."""
    lane: Mapped[int] = mapped_column(SmallInteger)
    """0 to 7. The next one opens only while another act of the establishment is being written to the disk."""
    position: Mapped[int] = mapped_column(BigInteger)
    """From 1, without a gap."""
    recipe: Mapped[int] = mapped_column(SmallInteger)
    """Which text is hashed: 1 in the one chain there was first, else 2."""
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditCheck(Base):
    """A check of the whole log that somebody asked for on a page: a worker does it, and says how far it is."""

    __tablename__ = "audit_check"
    __table_args__ = (
        Index(None, "asked_by_id", "asked_at"),
        Index(
            "uq_audit_check_running",
            text("(true)"),
            unique=True,
            postgresql_where="finished_at is null and cancelled_at is null",
        ),
    )

    asked_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    asked_at: Mapped[datetime]
    looked_at: Mapped[datetime]
    """When the worker last said something: long ago means that it died."""
    finished_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    checked: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    """What does not hold; the first twenty."""
