"""What a person is told on screen, how they wish to be reached besides, and the devices that take a push."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Base


class Channel(StrEnum):
    """How a person is reached outside; on screen they always are."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


class Notice(Base):
    """One piece of news of a consult, for one person in the role that has a part in it. Ids and times, no content."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("practitioner_role_id", "occurrence"),
        Index(None, "practitioner_role_id", "happened_at"),
        Index("ix_notice_unread", "practitioner_role_id", "service_request_id", postgresql_where="read_at is null"),
        Index("ix_notice_unsent", "practitioner_role_id", postgresql_where="sent_at is null"),
        Index(None, "happened_at"),
    )

    practitioner_role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner_role.id"))
    service_request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service_request.id"), index=True)
    occasion: Mapped[str]
    """A name of `occasions.OCCASIONS`."""
    occurrence: Mapped[uuid.UUID]
    """The one thing that happened: a job that runs twice tells it once."""
    happened_at: Mapped[datetime]
    starts_at: Mapped[datetime | None]
    """When the session it speaks of begins, if it speaks of one."""
    read_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    """When it was handed to the person's channels, or left to the screen alone."""

    number: Mapped[int | None] = mapped_column(BigInteger)
    """The consult's, where the person does not see the consult (any more): they are told all the same."""

    consult: Mapped[ServiceRequest] = relationship(lazy="raise")


class NoticeChoice(Base):
    """How one person wishes to be reached. Who has none is reached by the defaults (`messages.choices`)."""

    __tablename__ = "notice_choice"
    __table_args__ = (
        Index("ix_notice_choice_phone_taken_at", "phone_taken_at", postgresql_where="phone_taken_at is not null"),
    )

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), unique=True)
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """What is sent; the rest is on screen alone."""
    reminders: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """Minutes before a session."""
    phone: Mapped[str] = mapped_column(default="")
    """E.164."""
    phone_failures: Mapped[int] = mapped_column(default=0)
    """Messages refused one after the other; above a bound the number is tried no more until it is saved again."""
    phone_confirmed_at: Mapped[datetime | None]
    """When the code that was sent to it was typed here: before, nothing else is sent to it."""
    phone_taken_at: Mapped[datetime | None]
    """When the gateway took a message to it last."""
    phone_refused_at: Mapped[datetime | None]
    """When the gateway refused one to it last."""
    updated_at: Mapped[datetime]


class PushDevice(Base):
    """A browser that takes a push (W3C Push API): where, and the keys by which only it can read (RFC 8291 §3.1)."""

    __tablename__ = "push_device"
    __table_args__ = (UniqueConstraint("account_id", "endpoint"),)

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    endpoint: Mapped[str] = mapped_column(index=True)
    p256dh: Mapped[bytes] = mapped_column(LargeBinary)
    auth: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(default="")
    """What the browser calls itself."""
    created_at: Mapped[datetime]
    last_reached_at: Mapped[datetime | None]
