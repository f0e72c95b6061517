"""Recordings of a live session: who was asked and what they said, and the files that were kept."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.consents.models import ConsentBasis
from teleconsult.db import Base


class RecordingEnd(StrEnum):
    """Why a recording ended, or never began."""

    STOPPED = "stopped"
    DECLINED = "declined"
    """Somebody who was asked said no."""
    WITHDRAWN = "withdrawn"
    """Somebody who had agreed no longer does."""
    LEFT = "left"
    """Neither the doctor nor the specialist is there any more."""
    FAILED = "failed"
    """It could not be written."""
    CUT_OFF = "cut-off"
    """The server stopped in the middle of it."""


class Recording(Base):
    """One recording of a session, asked for by the doctor or the specialist. It may pause and go on."""

    __tablename__ = "recording"
    __table_args__ = (
        Index("uq_recording_open", "encounter_id", unique=True, postgresql_where="ended_at is null"),
        CheckConstraint("(ended_at is null) = (ended_why is null)", name="ended"),
    )

    encounter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter.id"), index=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    asked_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter_participant.id"))
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("encounter_participant.id"))
    ended_why: Mapped[RecordingEnd | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    """When what was kept is deleted."""
    deleted_at: Mapped[datetime | None]
    deleted_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    """Nobody where its time was over."""
    deletion_reason: Mapped[str] = mapped_column(default="")


class RecordingConsent(Base):
    """What somebody present said when they were asked (FHIR R4 Consent.provision). Said once for one recording."""

    __tablename__ = "recording_consent"
    __table_args__ = (UniqueConstraint("recording_id", "participant_id"),)

    recording_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("recording.id"))
    participant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter_participant.id"))
    agreed: Mapped[bool]
    answered_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    patient_basis: Mapped[ConsentBasis | None]
    """Of the doctor who is with the patient: who agreed for the patient, as the doctor states."""
    patient_given_by: Mapped[str] = mapped_column(default="")
    """The representative's name."""


class RecordingFile(Base):
    """What one participant sent from one begin to the next pause: a WebM file, encrypted under a key of its own."""

    __tablename__ = "recording_file"
    __table_args__ = (UniqueConstraint("recording_id", "participant_id", "part"),)

    recording_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("recording.id"))
    participant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter_participant.id"))
    part: Mapped[int]
    """Counted for each participant, in their order."""
    what: Mapped[str]
    """Which of their pictures: `main`, or the name of another camera."""
    begun_at: Mapped[datetime]
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Forgotten with the object: what a copy of it holds cannot be read any more."""
    object_key: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    seconds: Mapped[float | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes of the WebM file, as it is played."""
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of the object, as it is kept."""
    has_audio: Mapped[bool] = mapped_column(default=False)
    has_video: Mapped[bool] = mapped_column(default=False)
    is_cut: Mapped[bool] = mapped_column(default=False)
    """Its end is missing: the disk was full, or the server stopped."""
