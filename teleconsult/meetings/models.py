"""A team meeting (in French: réunion de concertation pluridisciplinaire), its members, and its list of cases.

Its time is an Appointment of its own, which holds its people, rooms and devices (FHIR R4 Appointment.participant).
Each case has an Appointment and an Encounter as any consult has: the meeting goes from one to the next.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Base
from teleconsult.directory.models import HealthcareService, PractitionerRole
from teleconsult.scheduling.models import Appointment, AppointmentStatus


class Meeting(Base):
    """One meeting of one service. `series_id` is what meetings planned together have in common."""

    __tablename__ = "meeting"
    __table_args__ = (
        CheckConstraint("quorum_members >= 1", name="quorum_of_somebody"),
        CheckConstraint("ended_at is null or started_at is not null", name="ends_after_start"),
        Index(None, "organization_id", "service_id"),
    )

    service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("healthcare_service.id"), index=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    appointment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("appointment.id"), unique=True)
    series_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    title: Mapped[str]
    place: Mapped[str] = mapped_column(default="")
    """Where those meet who come in person, in words."""
    chair_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"), index=True)
    quorum_members: Mapped[int] = mapped_column(SmallInteger)
    """How many members have to be present for a case to be concluded."""
    quorum_specialties: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    """Codes of specialties of which somebody has to be present."""
    created_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    appointment: Mapped[Appointment] = relationship(lazy="raise")
    service: Mapped[HealthcareService] = relationship(lazy="raise")
    chair: Mapped[PractitionerRole] = relationship(lazy="raise", foreign_keys=[chair_role_id])
    members: Mapped[list["MeetingMember"]] = relationship(lazy="raise", order_by="MeetingMember.id", viewonly=True)
    cases: Mapped[list["MeetingCase"]] = relationship(lazy="raise", order_by="MeetingCase.position", viewonly=True)

    @property
    def is_cancelled(self) -> bool:
        """Whether it was called off."""
        return self.appointment.status is AppointmentStatus.CANCELLED

    @property
    def is_open(self) -> bool:
        """Whether it may still be held: neither called off nor ended."""
        return not self.is_cancelled and self.ended_at is None


class MeetingMember(Base):
    """Somebody who sits in a meeting. `is_here`: the chair sees them in the room, whether or not by video."""

    __tablename__ = "meeting_member"
    __table_args__ = (UniqueConstraint("meeting_id", "practitioner_role_id"), Index(None, "practitioner_role_id"))

    meeting_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("meeting.id"))
    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    is_here: Mapped[bool] = mapped_column(default=False, server_default="false")

    role: Mapped[PractitionerRole] = relationship(lazy="raise")


class CaseStatus(StrEnum):
    """Where a case stands on its meeting's list. That it is concluded is said by its signed note."""

    LISTED = "listed"
    CALLED = "called"
    """It is being discussed."""
    DISCUSSED = "discussed"
    POSTPONED = "postponed"
    REMOVED = "removed"
    """Off the list: taken off, or answered in another way."""


STANDING: tuple[CaseStatus, ...] = (CaseStatus.LISTED, CaseStatus.CALLED, CaseStatus.DISCUSSED)
"""On the list still."""


@dataclass(frozen=True, slots=True)
class Present:
    """Who was there while a case was discussed, as they were called then. `specialty` is our code or empty."""

    role_id: str
    name: str
    specialty: str


class MeetingCase(Base):
    """One consult on a meeting's list. A consult stands on one list at the most (`uq_meeting_case_standing`)."""

    __tablename__ = "meeting_case"
    __table_args__ = (
        Index(None, "meeting_id", "position"),
        Index(None, "service_request_id"),
        Index(
            "uq_meeting_case_standing",
            "service_request_id",
            unique=True,
            postgresql_where="status in ('listed', 'called', 'discussed')",
        ),
        Index("uq_meeting_case_called", "meeting_id", unique=True, postgresql_where="status = 'called'"),
        CheckConstraint("minutes between 1 and 240", name="some_minutes"),
        CheckConstraint("status <> 'discussed' or ended_at is not null", name="discussed_is_over"),
    )

    meeting_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("meeting.id"))
    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"))
    appointment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("appointment.id"), unique=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    minutes: Mapped[int] = mapped_column(SmallInteger)
    presenter_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"), index=True)
    """Who tells the others of it: who asked, or a member."""
    is_for_chair: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Nobody had accepted it: its conclusion is for who leads the meeting, whoever that becomes."""
    status: Mapped[CaseStatus] = mapped_column(default=CaseStatus.LISTED)
    reason: Mapped[str] = mapped_column(default="")
    called_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    present: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    """Members present, each as `Present` has it: written once the case is over."""
    has_quorum: Mapped[bool | None]
    created_at: Mapped[datetime]

    meeting: Mapped[Meeting] = relationship(lazy="raise", viewonly=True)
    consult: Mapped[ServiceRequest] = relationship(lazy="raise")
    appointment: Mapped[Appointment] = relationship(lazy="raise")
    presenter: Mapped[PractitionerRole | None] = relationship(lazy="raise")

    @property
    def present_members(self) -> tuple[Present, ...]:
        """Who was there, once it is over."""
        return tuple(Present(**one) for one in self.present)
