"""Who may send HL7 v2 to us, and every message that came (HL7 v2.5.1 ch. 2)."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import Organization


class Hl7Sender(Base):
    """A system of one establishment's that may send: known by its certificate and by what it calls its facility."""

    __tablename__ = "hl7_sender"
    __table_args__ = (
        UniqueConstraint("certificate_sha256", "facility", postgresql_nulls_not_distinct=True),
        Index(None, "organization_id", "name"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    facility: Mapped[str]
    """MSH-4, first component, as it is sent."""
    certificate_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of the client certificate in DER; None for a system of this very machine, that comes without TLS."""
    created_at: Mapped[datetime]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    disabled_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship(lazy="raise")


class Acknowledgment(StrEnum):
    """MSA-1 (HL7 table 0008)."""

    ACCEPT = "AA"
    ERROR = "AE"
    REJECT = "AR"


class Hl7Message(Base):
    """One message as it came, and what we answered. A replay is the same row."""

    __tablename__ = "hl7_message"
    __table_args__ = (
        UniqueConstraint("sender_id", "control_id", "sha256"),
        Index(None, "organization_id", "received_at"),
        Index("ix_hl7_message_to_look_at", "organization_id", "received_at", postgresql_where="seen_at is null"),
    )

    sender_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("hl7_sender.id"))
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    control_id: Mapped[str]
    """MSH-10."""
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str]
    """MSH-9: `ADT^A01`."""
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """The bytes, without the frame."""
    received_at: Mapped[datetime]
    acknowledgment: Mapped[Acknowledgment]
    fault: Mapped[str] = mapped_column(default="")
    """HL7 table 0357, where it was not accepted."""
    fault_at: Mapped[str] = mapped_column(default="")
    """Segment and field, as in ERR-2: `PID-3`."""
    said: Mapped[str] = mapped_column(default="")
    """What was wrong, in words that name no patient."""
    is_id_reused: Mapped[bool] = mapped_column(default=False)
    """Another message of the same sender's had the same MSH-10: both were taken, and a person should know."""
    times: Mapped[int] = mapped_column(default=1)
    """How often it came."""
    seen_at: Mapped[datetime | None]
    """When a person looked at what was wrong; set from the beginning where nothing was."""

    sender: Mapped[Hl7Sender] = relationship(lazy="raise")
