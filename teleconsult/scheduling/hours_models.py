"""When people, services, rooms and devices can be had (FHIR R4 Schedule, with the availableTime of its actor)."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.db import Base


class ResourceKind(StrEnum):
    """What can be booked besides people."""

    ROOM = "room"
    DEVICE = "device"


class BookableResource(Base):
    """A room or a device of an establishment (FHIR R4 Location, Device): one session has it at a time."""

    __tablename__ = "bookable_resource"

    key: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    """An integer twin of the id, for the exclusion constraint."""
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    kind: Mapped[ResourceKind]
    name: Mapped[str]
    retired_at: Mapped[datetime | None]


class Schedule(Base):
    """The hours of one person at one establishment, of a service, or of a room or device: exactly one of them.

    Who has no schedule, or one without rules, can be had at any time.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("num_nonnulls(practitioner_role_id, service_id, resource_id) = 1", name="of_one"),
        CheckConstraint("buffer_minutes between 0 and 120", name="buffer"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    practitioner_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"), unique=True)
    service_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("healthcare_service.id"), unique=True)
    resource_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("bookable_resource.id"), unique=True)
    time_zone: Mapped[str]
    """IANA name: the clock the rules are read on."""
    holidays: Mapped[str] = mapped_column(default="")
    """Whose public holidays are free: a country (ISO 3166-1), or a part of one (ISO 3166-2); "" for none."""
    buffer_minutes: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Kept free between two sessions."""
    updated_at: Mapped[datetime]

    rules: Mapped[list["AvailableTime"]] = relationship(
        lazy="raise", order_by="AvailableTime.from_minute, AvailableTime.id"
    )
    exceptions: Mapped[list["ScheduleException"]] = relationship(
        lazy="raise", order_by="ScheduleException.starts_at, ScheduleException.id"
    )


class Repeat(StrEnum):
    """Which of the weeks a rule holds in."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    """Every second week, from the one of the first day on."""
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"
    LAST = "last"
    """The first, second, third, fourth or last such weekday of each month."""


class AvailableTime(Base):
    """One rule of a schedule: on these weekdays, from one minute of the day to another (FHIR R4 availableTime)."""

    __tablename__ = "available_time"
    __table_args__ = (
        CheckConstraint("from_minute between 0 and 1439", name="from_minute"),
        CheckConstraint("until_minute > from_minute and until_minute <= from_minute + 1440", name="until_minute"),
        CheckConstraint("cardinality(weekdays) between 1 and 7 and weekdays <@ '{1,2,3,4,5,6,7}'", name="weekdays"),
        CheckConstraint("slot_minutes between 5 and 480", name="slot_minutes"),
        CheckConstraint("last_day >= first_day", name="ends_after_start"),
    )

    schedule_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("schedule.id"), index=True)
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """ISO 8601: Monday is 1."""
    from_minute: Mapped[int] = mapped_column(SmallInteger)
    until_minute: Mapped[int] = mapped_column(SmallInteger)
    """More than 1440 where it goes on past midnight."""
    repeat: Mapped[Repeat] = mapped_column(default=Repeat.WEEKLY)
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    slot_minutes: Mapped[int | None] = mapped_column(SmallInteger)
    """How long each session of a clinic is; None where any length will do."""


class ExceptionKind(StrEnum):
    """What differs from the rules."""

    AWAY = "away"
    EXTRA = "extra"


class ScheduleException(Base):
    """Some time that differs from the rules (FHIR R4 notAvailable). Why is nobody's business: no text stands here."""

    __tablename__ = "schedule_exception"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index(None, "schedule_id", "ends_at"),
    )

    schedule_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("schedule.id"))
    kind: Mapped[ExceptionKind]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class AppointmentParticipant(Base):
    """A person, room or device that a session needs (FHIR R4 Appointment.participant).

    From when to when, and whether that is binding, the database writes itself, from the appointment; two binding ones
    of the same person or thing never overlap (exclusion constraints).
    """

    __tablename__ = "appointment_participant"
    __table_args__ = (
        CheckConstraint("num_nonnulls(practitioner_role_id, resource_id) = 1", name="of_one"),
        Index(None, "appointment_id", "practitioner_role_id", unique=True),
        Index(None, "appointment_id", "resource_id", unique=True),
        Index(None, "practitioner_role_id"),
        Index(None, "resource_id"),
    )

    appointment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("appointment.id"))
    practitioner_role_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    resource_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("bookable_resource.id"))
    practitioner_key: Mapped[int | None] = mapped_column(BigInteger)
    resource_key: Mapped[int | None] = mapped_column(BigInteger)
    buffer_minutes: Mapped[int] = mapped_column(SmallInteger, default=0)
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    """With the time kept free afterwards."""
    is_binding: Mapped[bool] = mapped_column(default=False)
    invited_sequence: Mapped[int | None]
    """Of somebody invited besides the two whose session it is: as of which `Appointment.sequence`. None of the rest."""


class CalendarFeed(Base):
    """An address that shows a person's sessions to their calendar program. Only its hash is kept."""

    __tablename__ = "calendar_feed"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), unique=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class WaitStatus(StrEnum):
    """What became of waiting for an earlier time."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    LEFT = "left"


class WaitListEntry(Base):
    """A consult that would take an earlier time, should one become free before `wanted_before`."""

    __tablename__ = "wait_list_entry"
    __table_args__ = (
        Index(
            "uq_wait_list_entry_open",
            "service_request_id",
            unique=True,
            postgresql_where="status in ('waiting', 'offered')",
        ),
        Index("ix_wait_list_entry_waiting", "created_at", postgresql_where="status in ('waiting', 'offered')"),
        CheckConstraint(
            "(status = 'offered') <= (offered_at is not null and starts_at is not null and ends_at is not null)",
            name="offer_is_whole",
        ),
    )

    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"), index=True)
    minutes: Mapped[int] = mapped_column(SmallInteger)
    wanted_before: Mapped[datetime]
    status: Mapped[WaitStatus] = mapped_column(default=WaitStatus.WAITING)
    created_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]
    offered_at: Mapped[datetime | None]
    starts_at: Mapped[datetime | None]
    """What is offered."""
    ends_at: Mapped[datetime | None]
