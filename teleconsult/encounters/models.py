"""The live session of a consult (FHIR R4 Encounter, class VR), who took part, and what was written in the chat."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base


class EncounterStatus(StrEnum):
    """FHIR R4 encounter-status, those we use."""

    PLANNED = "planned"
    ARRIVED = "arrived"
    IN_PROGRESS = "in-progress"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Encounter(Base):
    """One live session. Opened when the appointment is booked."""

    __tablename__ = "encounter"

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"), index=True)
    appointment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("appointment.id"), unique=True)
    status: Mapped[EncounterStatus] = mapped_column(default=EncounterStatus.PLANNED)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class GuestKind(StrEnum):
    """Whom a session may be opened to for once."""

    PATIENT = "patient"
    FAMILY_DOCTOR = "family-doctor"
    INTERPRETER = "interpreter"
    COLLEAGUE = "colleague"
    OTHER = "other"


class GuestPass(Base):
    """A link that lets one person, on one device, into one session. Hashes only; the first browser keeps it."""

    __tablename__ = "guest_pass"
    __table_args__ = (Index(None, "encounter_id", "created_at"),)

    encounter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter.id"))
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    """Whose consult it is: for the audit, since a guest reads nothing of the request."""
    kind: Mapped[GuestKind]
    name: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    browser_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    created_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    admitted_at: Mapped[datetime | None]
    """When the doctor or the specialist let them in; until then they wait at the door."""
    revoked_at: Mapped[datetime | None]


class EncounterParticipant(Base):
    """Someone who may be in the session. The id is the participant's id on the wire: stable over reconnects."""

    __tablename__ = "encounter_participant"
    __table_args__ = (
        UniqueConstraint("encounter_id", "practitioner_role_id"),
        CheckConstraint("(practitioner_role_id is null) <> (guest_pass_id is null)", name="one_kind"),
    )

    encounter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter.id"))
    practitioner_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    guest_pass_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("guest_pass.id"), unique=True)
    arrived_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    is_member: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Of the team meeting that discusses the consult, besides the two whose it is."""


class FileKind(StrEnum):
    """What may be sent in the chat, as it is kept and handed out (RFC 6838)."""

    PICTURE = "image/jpeg"
    DOCUMENT = "application/pdf"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of the chat, once its bytes lie among the objects."""

    kind: FileKind
    key: str
    size: int
    preview_key: str | None = None

    @property
    def columns(self) -> dict[str, object]:
        """As its line holds it."""
        columns = {"file_kind": self.kind, "file_key": self.key, "file_size": self.size}
        return {**columns, "preview_key": self.preview_key}


class ChatMessage(Base):
    """A line written during the session, or a file that was sent in it: then its text is the file's name."""

    __tablename__ = "chat_message"
    __table_args__ = (
        Index(None, "encounter_id", "sent_at"),
        CheckConstraint("num_nulls(file_kind, file_key, file_size) in (0, 3)", name="whole_file"),
        CheckConstraint("preview_key is null or file_key is not null", name="preview_of_file"),
    )

    encounter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter.id"))
    participant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter_participant.id"))
    text: Mapped[str]
    sent_at: Mapped[datetime]
    file_kind: Mapped[FileKind | None]
    file_key: Mapped[str | None]
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes, as it is kept."""
    preview_key: Mapped[str | None]
    """Of a picture: a small one, for the chat."""
