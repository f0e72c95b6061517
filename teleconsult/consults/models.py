"""A consult: ServiceRequest is what is asked, Task is the work of answering it (FHIR R4).

The table of states stands in `consults/states.py`; `state_of` reads it off the rows.
"""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from teleconsult.db import Base
from teleconsult.directory.models import HealthcareService, Organization, PractitionerRole
from teleconsult.notes.models import NoteMark
from teleconsult.patients.models import Patient
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment


class RequestStatus(StrEnum):
    """FHIR R4 request-status."""

    DRAFT = "draft"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    REVOKED = "revoked"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class RequestPriority(StrEnum):
    """FHIR R4 request-priority, least urgent first."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


class ConsultMode(StrEnum):
    """How a request is to be answered. It changes without the request being written anew."""

    VIDEO = "video"
    ADVICE = "advice"
    """In writing: no appointment, questions back and forth, a signed answer."""
    MEETING = "meeting"
    EMERGENCY = "emergency"


class TaskStatus(StrEnum):
    """FHIR R4 task-status, those we use."""

    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


CLOSED_TASKS: Final = (TaskStatus.REJECTED, TaskStatus.CANCELLED)
"""Tasks that stand no longer."""
AWAITING_INFO: Final = "awaiting-info"
"""The business status of a task that waits for the requester's answer."""
UNSIGNED: Final = "unsigned"
"""The business status of a task whose session is over and whose note is still to be signed."""


class ServiceRequest(Base):
    """What a rural doctor asks. While a draft, `draft` keeps what the form holds: consent and chosen entries."""

    __tablename__ = "service_request"
    __table_args__ = (
        Index(None, "authored_on", "id"),
        Index(None, "requester_organization_id", "authored_on"),
        Index(None, "requester_role_id", "authored_on"),
        Index(None, "requester_role_id", "completed_at"),
        Index(None, "patient_id", "authored_on"),
        Index("ix_service_request_completed_at", "completed_at", postgresql_where="status = 'completed'"),
        CheckConstraint(
            "status = 'draft' or (service_id is not null and submitted_at is not null) or status = 'revoked'",
            name="submitted_is_whole",
        ),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1001), unique=True)
    """What people say on the telephone."""
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"))
    requester_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    requester_organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    service_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("healthcare_service.id"), index=True)
    status: Mapped[RequestStatus] = mapped_column(default=RequestStatus.DRAFT)
    status_reason: Mapped[str] = mapped_column(default="")
    priority: Mapped[RequestPriority] = mapped_column(default=RequestPriority.ROUTINE)
    mode: Mapped[ConsultMode] = mapped_column(default=ConsultMode.VIDEO, server_default=ConsultMode.VIDEO)
    question: Mapped[str] = mapped_column(default="")
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    """Counts saves of the draft, so that two tabs notice each other."""
    authored_on: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    held_for: Mapped[timedelta] = mapped_column(default=timedelta(0), server_default="0")
    """How long it waited for more information before anybody had accepted, all waits that are over taken together."""

    patient: Mapped[Patient] = relationship(lazy="raise")
    requester: Mapped[PractitionerRole] = relationship(lazy="raise")
    requester_organization: Mapped[Organization] = relationship(lazy="raise")
    service: Mapped[HealthcareService | None] = relationship(lazy="raise")
    tasks: Mapped[list["Task"]] = relationship(
        lazy="raise", back_populates="service_request", order_by="Task.created_at"
    )
    task: Mapped["Task | None"] = relationship(
        lazy="raise",
        viewonly=True,
        uselist=False,
        primaryjoin=lambda: and_(Task.service_request_id == ServiceRequest.id, Task.status.not_in(CLOSED_TASKS)),
    )
    """The one that stands: neither rejected nor cancelled (unique by `uq_task_open`)."""
    appointment: Mapped[Appointment | None] = relationship(
        lazy="raise",
        viewonly=True,
        uselist=False,
        primaryjoin=lambda: and_(
            Appointment.service_request_id == ServiceRequest.id, Appointment.status.not_in(LOST_APPOINTMENTS)
        ),
    )
    """The one that stands (unique by `uq_appointment_open`)."""
    notes: Mapped[list[NoteMark]] = relationship(
        lazy="raise",
        viewonly=True,
        primaryjoin=lambda: ServiceRequest.id == foreign(NoteMark.service_request_id),
        order_by=NoteMark.created_at,
    )


class Task(Base):
    """The answering of a request by one service. A redirected request gets a new Task; the old one stays."""

    __tablename__ = "task"
    __table_args__ = (
        Index(None, "service_request_id", "created_at"),
        Index(None, "service_id", "status", "created_at"),
        Index(None, "owner_role_id", "status", "created_at"),
        Index(
            "uq_task_open",
            "service_request_id",
            unique=True,
            postgresql_where="status not in ('rejected', 'cancelled')",
        ),
    )

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"))
    service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("healthcare_service.id"))
    owner_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    assigned_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    """Whom a coordinator thought of, while nobody has accepted. Others of the service may accept all the same."""
    status: Mapped[TaskStatus] = mapped_column(default=TaskStatus.REQUESTED)
    business_status: Mapped[str] = mapped_column(default="")
    status_reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]
    output_composition_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("composition.id", use_alter=True))

    service_request: Mapped[ServiceRequest] = relationship(lazy="raise", back_populates="tasks")
    service: Mapped[HealthcareService] = relationship(lazy="raise")
    owner: Mapped[PractitionerRole | None] = relationship(lazy="raise", foreign_keys=[owner_role_id])
    assigned: Mapped[PractitionerRole | None] = relationship(lazy="raise", foreign_keys=[assigned_role_id])


class CommunicationCategory(StrEnum):
    """What one side's words to the other are for."""

    MESSAGE = "message"
    INFORMATION_WANTED = "information-wanted"
    INFORMATION_GIVEN = "information-given"


class Communication(Base):
    """Words of one side to the other, kept with the consult (FHIR R4 Communication)."""

    __tablename__ = "communication"
    __table_args__ = (Index(None, "service_request_id", "sent_at"),)

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"))
    sender_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    category: Mapped[CommunicationCategory]
    text: Mapped[str]
    sent_at: Mapped[datetime]

    sender: Mapped[PractitionerRole] = relationship(lazy="raise")


class PatientCourse(StrEnum):
    """How the patient is, some time after the consult."""

    BETTER = "better"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    DIED = "died"


class FollowUp(Base):
    """What became of it: asked once, some time after the note was acknowledged."""

    __tablename__ = "follow_up"

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"), unique=True)
    recorded_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    recorded_at: Mapped[datetime]
    plan_followed: Mapped[bool]
    journey_avoided: Mapped[bool]
    """Thanks to the consult the patient was treated where they live."""
    patient_course: Mapped[PatientCourse]
