"""When a consult takes place (FHIR R4 Appointment)."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.clock import now
from teleconsult.db import Base
from teleconsult.directory.models import PractitionerRole
from teleconsult.encounters.models import Encounter


class AppointmentStatus(StrEnum):
    """FHIR R4 appointmentstatus, those we use."""

    PROPOSED = "proposed"
    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"


LOST_APPOINTMENTS: Final = (AppointmentStatus.CANCELLED, AppointmentStatus.NOSHOW)


class Appointment(Base):
    """A time for one consult. No specialist is booked twice at once: the database refuses (exclusion constraint).

    `specialist_key` is the practitioner's integer key, set once a specialist has accepted.
    """

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index(
            "uq_appointment_open",
            "service_request_id",
            unique=True,
            postgresql_where="status not in ('cancelled', 'noshow')",
        ),
        Index(None, "starts_at"),
        Index(
            "ix_appointment_untold",
            "ends_at",
            postgresql_where="booked_at is not null and told_sequence is distinct from sequence",
        ),
        Index("ix_appointment_awaited", "ends_at", postgresql_where="status in ('booked', 'arrived')"),
    )

    service_request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("service_request.id"))
    """None: the time of a whole team meeting."""
    specialist_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    specialist_key: Mapped[int | None] = mapped_column(BigInteger)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[AppointmentStatus] = mapped_column(default=AppointmentStatus.PROPOSED)
    status_reason: Mapped[str] = mapped_column(default="")
    created_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]
    booked_at: Mapped[datetime | None]
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often those invited had to hear of a change (RFC 5545 §3.8.7.4). The database counts."""
    changed_at: Mapped[datetime] = mapped_column(default=now, server_default=func.now())
    told_sequence: Mapped[int | None]
    """Of which of them the calendars of both sides were told last."""

    encounter: Mapped[Encounter | None] = relationship(lazy="raise", viewonly=True, uselist=False)
    """The live session this time was booked for."""

    def hold_for(self, specialist: PractitionerRole | None) -> None:
        """Keep a time not booked yet for who accepted: pending and theirs; for nobody it is only proposed.

        `specialist` has its practitioner loaded.
        """
        self.status = AppointmentStatus.PENDING if specialist else AppointmentStatus.PROPOSED
        self.specialist_role_id = specialist.id if specialist else None
        self.specialist_key = specialist.practitioner.key if specialist else None
