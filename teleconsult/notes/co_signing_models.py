"""Who is asked to sign a team meeting's conclusion besides its author, and what they signed."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base

WAITS_FOR: Final = timedelta(days=30)
"""How long a signature that was asked for can be given; the note counts without it from the first day."""


class NoteCoSignature(Base):
    """One member's (R4 Composition.attester, mode professional): asked for by the note's author, then given, once.

    The signature itself is in the PDF's next revision; `jws` is the same person's over the stored FHIR document.
    """

    __tablename__ = "note_co_signature"
    __table_args__ = (
        UniqueConstraint("composition_id", "practitioner_role_id"),
        Index(None, "practitioner_role_id"),
        CheckConstraint("(signed_at is null) = (jws is null)", name="signed_is_whole"),
    )

    composition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("composition.id"))
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    name: Mapped[str]
    """As they were called at the meeting."""
    meeting_title: Mapped[str]
    asked_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"), index=True)
    asked_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    jws: Mapped[str | None]
    """Detached, in compact form, as `Composition.bundle_jws`; empty where the note has no such document."""

    def waits(self, moment: datetime) -> bool:
        """Whether it can still be given."""
        return self.signed_at is None and moment < self.asked_at + WAITS_FOR
