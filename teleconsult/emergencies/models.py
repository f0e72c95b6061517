"""An emergency beside its consult: who was paged for it and when, what was decided, and a transfer.

The consult itself is a ServiceRequest like any other (mode `emergency`, priority `stat`); here stand its times.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Base
from teleconsult.directory.models import HealthcareService, Organization, PractitionerRole


class Decision(StrEnum):
    """What the specialist decided for the patient."""

    TREAT_HERE = "treat-here"
    TRANSFER = "transfer"
    TEAM_SENT = "team-sent"
    OTHER = "other"


class Emergency(Base):
    """One press of the button. It runs until somebody answers, it is called off, or nobody is left to be paged."""

    __tablename__ = "emergency"
    __table_args__ = (
        Index("ix_emergency_running", "pressed_at", postgresql_where="ended_at is null"),
        CheckConstraint("(decided_at is null) = (decision is null)", name="decision_whole"),
        CheckConstraint("(necessity_noted_at is null) = (necessity = '')", name="necessity_whole"),
    )

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"), unique=True)
    pressed_at: Mapped[datetime]
    pressed_again_at: Mapped[datetime | None]
    """When it was made an emergency anew, after it had turned out to be none: its times count from there."""
    round: Mapped[int] = mapped_column(default=1)
    """How often everybody was paged: the requester may have it begun anew."""
    step: Mapped[int] = mapped_column(default=0)
    """Counts the steps of the paging: a job for an earlier one does nothing."""
    next_at: Mapped[datetime | None]
    """When the next in turn is paged; None when nobody will be."""
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    images_at: Mapped[datetime | None]
    """When who answered first had images of this consult before them."""
    ended_at: Mapped[datetime | None]
    """Nobody is paged any more: it was answered, or called off."""
    decision: Mapped[Decision | None]
    decision_note: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    necessity: Mapped[str] = mapped_column(default="")
    """Why nobody could be asked for consent: noted afterwards, once."""
    necessity_noted_at: Mapped[datetime | None]

    service_request: Mapped[ServiceRequest] = relationship(lazy="raise")
    pages: Mapped[list["EmergencyPage"]] = relationship(
        lazy="raise", viewonly=True, order_by="EmergencyPage.paged_at, EmergencyPage.id"
    )
    answered_by: Mapped[PractitionerRole | None] = relationship(lazy="raise", foreign_keys=[answered_by_id])

    @hybrid_property
    def counts_from(self) -> datetime:
        """The press that its times are counted from."""
        return self.pressed_again_at or self.pressed_at

    @counts_from.inplace.expression
    @classmethod
    def _counts_from(cls) -> ColumnElement[datetime]:
        return func.coalesce(cls.pressed_again_at, cls.pressed_at)


class EmergencyPage(Base):
    """One person paged for one emergency, on every device they are signed in on."""

    __tablename__ = "emergency_page"
    __table_args__ = (
        UniqueConstraint("emergency_id", "practitioner_role_id", "round"),
        Index("ix_emergency_page_ringing", "practitioner_role_id", postgresql_where="ended_at is null"),
    )

    emergency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("emergency.id"), index=True)
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("healthcare_service.id"))
    """For which service: always one of the person's own establishment."""
    round: Mapped[int] = mapped_column(default=1)
    paged_at: Mapped[datetime]
    rung_at: Mapped[datetime | None]
    """When the first of their devices said that it rings."""
    answered_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """It rings no more: they or somebody else answered, they declined, or it was called off."""

    emergency: Mapped[Emergency] = relationship(lazy="raise")
    role: Mapped[PractitionerRole] = relationship(lazy="raise")
    service: Mapped[HealthcareService] = relationship(lazy="raise")


class TransferStatus(StrEnum):
    """Where a transfer stands."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    CANCELLED = "cancelled"


BEFORE_DEPARTURE: Final = (TransferStatus.REQUESTED, TransferStatus.ACCEPTED)


class Transport(StrEnum):
    """How the patient travels."""

    AMBULANCE = "ambulance"
    HELICOPTER = "helicopter"
    PLANE = "plane"
    OTHER = "other"


class Transfer(Base):
    """The patient travels to another establishment. It stands beside the consult; no file moves."""

    __tablename__ = "transfer"
    __table_args__ = (
        Index(
            "uq_transfer_open",
            "service_request_id",
            unique=True,
            postgresql_where="status in ('requested', 'accepted', 'departed')",
        ),
        Index(None, "service_request_id", "requested_at"),
    )

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"))
    destination_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    transport: Mapped[Transport]
    note: Mapped[str] = mapped_column(default="")
    status: Mapped[TransferStatus] = mapped_column(default=TransferStatus.REQUESTED)
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    answered_at: Mapped[datetime | None]
    """When the establishment took the patient, or refused."""
    answered_by: Mapped[str] = mapped_column(default="")
    """Who said so there, often on the telephone."""
    departed_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

    destination: Mapped[Organization] = relationship(lazy="raise")
