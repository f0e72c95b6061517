"""What proves a note's signature later on: the revisions of its PDF (ETSI EN 319 142-1 §5, baseline levels)."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base


class Level(StrEnum):
    """PAdES baseline levels: signed; signed by a proven time; with what checks it; for decades."""

    B_B = "b-b"
    B_T = "b-t"
    B_LT = "b-lt"
    B_LTA = "b-lta"


class EvidenceState(StrEnum):
    """Where a revision stands."""

    PENDING = "pending"
    COMPLETE = "complete"
    FAILED = "failed"


class NoteEvidence(Base):
    """One revision of a signed note's PDF. Each has the one before it as its first bytes; a whole one never changes.

    Number 0 is what the signer's key signed; a pending one waits for time-stamps and revocation answers.
    """

    __tablename__ = "note_evidence"
    __table_args__ = (
        UniqueConstraint("composition_id", "number"),
        Index("uq_note_evidence_pending", "composition_id", unique=True, postgresql_where="state = 'pending'"),
        Index("ix_note_evidence_due", "next_try_at", postgresql_where="state = 'pending'"),
        Index("ix_note_evidence_failed", "composition_id", postgresql_where="state = 'failed'"),
        Index("ix_note_evidence_renewal", "renew_before", postgresql_where="renew_before is not null"),
        CheckConstraint(
            "state <> 'complete' or (object_key is not null and sha256 is not null and size is not null)",
            name="complete_is_whole",
        ),
    )

    composition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("composition.id"))
    number: Mapped[int]
    level: Mapped[Level]
    """What it has; of a pending one, what it will have."""
    state: Mapped[EvidenceState]
    object_key: Mapped[str | None]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha1: Mapped[bytes | None] = mapped_column(LargeBinary)
    """What FHIR R4 calls `Attachment.hash`; it guards nothing. None where it was made before this was kept."""
    size: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes."""
    renew_before: Mapped[datetime | None]
    """When the certificate of its last time-stamp expires; of the newest revision only."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(default="")
    """Why the last attempt did not succeed: a code of `evidence_faults.Fault`."""
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
