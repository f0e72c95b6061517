"""What others sent to a mailbox of ours: documents that are nobody's until a person says whose they are."""

import re
import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base

_FOR_PROGRAMS: Final = re.compile(r"^XDM/1\.0/DDM\+?\s*")
"""How the subject of a mail begins that brings an archive (IHE ITI TF-2 §3.32.4.1.2)."""


class ReceivedStatus(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    FILED = "filed"
    REJECTED = "rejected"
    """By a person, with a reason."""
    UNREADABLE = "unreadable"
    """There is no document in it that can be read here."""


class ReceivedMessage(Base):
    """One mail with a patient's documents (IHE XDM, ITI-32), as it came; one that comes again is the same row."""

    __tablename__ = "received_message"
    __table_args__ = (
        UniqueConstraint("organization_id", "sha256"),
        Index(None, "organization_id", "status", "received_at"),
        Index("ix_received_message_answer", "answer_at", postgresql_where="answer_at is not null"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    message_id: Mapped[str]
    """As the sender numbered it (RFC 5322 §3.6.4)."""
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Of what makes it the same message: its documents, or the whole of it where it has none."""
    sender: Mapped[str]
    subject: Mapped[str]
    object_key: Mapped[str]
    """The whole mail."""
    told: Mapped[dict[str, Any]]
    """Who it says the patient is: names, birth date, sex, identifiers."""
    documents: Mapped[list[dict[str, Any]]]
    """What is in it: title, kind, object key, digest and number of each."""
    status: Mapped[ReceivedStatus] = mapped_column(default=ReceivedStatus.WAITING)
    reason: Mapped[str] = mapped_column(default="", server_default="")
    """Why it was rejected or cannot be read."""
    times: Mapped[int] = mapped_column(default=1, server_default="1")
    """How often it came."""
    received_at: Mapped[datetime]
    answer_to: Mapped[str] = mapped_column(default="", server_default="")
    """Who asked to be told what became of it (RFC 8098 §2.1)."""
    answered_at: Mapped[datetime | None]
    answer_at: Mapped[datetime | None]
    """When the answer that is owed is tried next; None where none is owed (any more)."""
    answer_attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    answer_failure: Mapped[str] = mapped_column(default="", server_default="")
    """Why the last attempt failed, or why none is sent: a name of `received.answerable.Unanswered`."""
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patient.id"), index=True)
    decided_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    decided_at: Mapped[datetime | None]

    @property
    def subject_read(self) -> str:
        """The subject for people, without its beginning that is for programs."""
        return _FOR_PROGRAMS.sub("", self.subject, count=1)
