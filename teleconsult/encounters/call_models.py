"""What is kept of a session besides its words: who was there from when to when, and how well the line held."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base


class Departure(StrEnum):
    """How a stay in the room ended."""

    LEFT = "left"
    LOST = "lost"
    """The line, the page or the device went away."""
    REMOVED = "removed"
    """They may no longer be there."""


class Attendance(Base):
    """One stay of a participant in the room. Somebody has one open stay at the most.

    A server that was killed ends none: `seen_at` says until when we know that they were there.
    """

    __tablename__ = "attendance"
    __table_args__ = (
        Index(None, "encounter_id", "came_at"),
        Index("uq_attendance_open", "participant_id", unique=True, postgresql_where="went_at is null"),
        CheckConstraint("(went_at is null) = (how is null)", name="ended_somehow"),
    )

    encounter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter.id"))
    participant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter_participant.id"))
    came_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    went_at: Mapped[datetime | None]
    how: Mapped[Departure | None]


class CallMinute(Base):
    """What a participant's browser measured within one minute."""

    __tablename__ = "call_minute"
    __table_args__ = (UniqueConstraint("participant_id", "begins_at"), Index(None, "encounter_id", "begins_at"))

    encounter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter.id"))
    participant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter_participant.id"))
    begins_at: Mapped[datetime]
    figures: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """One sample after the other, so many figures each (`quality.pack`)."""


class CallSummary(Base):
    """How one side of a session fared, in numbers that can be added up. Made once the session has ended."""

    __tablename__ = "call_summary"
    __table_args__ = (Index(None, "encounter_id"),)

    encounter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter.id"))
    participant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter_participant.id"), unique=True)
    ended_at: Mapped[datetime]
    """The end of the session it was made for: one that went on and ended again has another."""
    seconds: Mapped[int]
    """They were in the room together with the other side."""
    video_seconds: Mapped[int]
    picture_seconds: Mapped[int]
    sound_seconds: Mapped[int]
    weak_seconds: Mapped[int]
    interruptions: Mapped[int]
    interrupted_seconds: Mapped[int]
    round_trip: Mapped[int | None]
    """Milliseconds: half the time it was longer."""
    loss: Mapped[int | None]
    """Packets lost of a thousand, on average."""
