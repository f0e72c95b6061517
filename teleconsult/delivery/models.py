"""Who must receive a signed note, by which way, and the proof that they did."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, FetchedValue, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.clock import now
from teleconsult.db import Base


class Channel(StrEnum):
    """The ways a note travels."""

    PATIENT_FILE = "patient-file"
    """Into the file of an establishment that is here; `destination` is its id."""
    SECURE_MAIL = "secure-mail"
    """To a secure mailbox; `destination` is its address."""
    FHIR = "fhir"
    """To a FHIR server (IHE MHD ITI-65); `destination` is the id of the Endpoint."""
    HL7V2 = "hl7v2"
    """To a record system by HL7 v2 over MLLP; `destination` is the id of the Endpoint."""


class Purpose(StrEnum):
    """What a delivery brings."""

    DOCUMENT = "document"
    RETRACTION = "retraction"
    """Word that the document was entered in error."""


class DeliveryStatus(StrEnum):
    """Where a delivery stands (`delivery.states` has what follows what)."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT_UNKNOWN = "sent-unknown"
    """It was written, or may have been, and no answer came: it goes again under the same ids."""
    ACCEPTED = "accepted"
    """The next system has taken it over."""
    DELIVERED = "delivered"
    """It is in the recipient's system."""
    READ = "read"
    """Somebody opened it, or a system put it into the patient's file."""
    RETRY_WAIT = "retry-wait"
    DEAD = "dead"
    """Nothing goes on by itself: a person decides."""
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    """A later version went in its place."""


OWED: Final = (
    DeliveryStatus.QUEUED,
    DeliveryStatus.SENDING,
    DeliveryStatus.SENT_UNKNOWN,
    DeliveryStatus.RETRY_WAIT,
)
"""Still to be sent; what comes after it for the same patient at the same destination waits."""
ARRIVED: Final = (DeliveryStatus.ACCEPTED, DeliveryStatus.DELIVERED, DeliveryStatus.READ)
"""The recipient has it."""

_OWED_IN_SQL: Final = "status in ('queued', 'sending', 'sent-unknown', 'retry-wait')"


class Delivery(Base):
    """One version of a note to one destination, queued in the signature's own transaction.

    Its id is what makes it one: message numbers, mail ids and conditional creates are made of it, so that what is sent
    again is known again.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("composition_id", "channel", "destination", "purpose"),
        Index("ix_delivery_due", "next_at", postgresql_where=_OWED_IN_SQL),
        Index("ix_delivery_in_order", "patient_id", "channel", "destination", "number", postgresql_where=_OWED_IN_SQL),
        Index("ix_delivery_busy", "channel", "destination", postgresql_where="status = 'sending'"),
        Index(None, "organization_id", "status", "updated_at"),
        Index(None, "external_id", postgresql_where="external_id is not null"),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    """In which order they were queued."""
    composition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("composition.id"))
    channel: Mapped[Channel]
    destination: Mapped[str]
    purpose: Mapped[Purpose] = mapped_column(default=Purpose.DOCUMENT, server_default="document")
    recipient: Mapped[str] = mapped_column(default="", server_default="")
    """Who that is, in words: an establishment's or a mailbox's name."""
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), server_default=FetchedValue())
    """The establishment that sends, the author's: by the database, like the next two."""
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), server_default=FetchedValue())
    consult_number: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
    status: Mapped[DeliveryStatus] = mapped_column(default=DeliveryStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    unknowns: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often nobody knew whether it had arrived."""
    next_at: Mapped[datetime] = mapped_column(default=now, server_default="now()")
    """Not before."""
    deadline_at: Mapped[datetime | None]
    """When no more is tried by itself; None until the first attempt."""
    lease: Mapped[uuid.UUID | None]
    """Of the worker that has it in hand, until `leased_until`."""
    leased_until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    """Why it is where it is: a name of `delivery.reasons`, or a person's words."""
    detail: Mapped[str] = mapped_column(default="", server_default="")
    """What the other side said, cut short."""
    external_id: Mapped[str | None]
    """What a receipt names it by: Message-ID, MSH-10, or where the server put it."""
    payload_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of what was sent last."""
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("delivery.id"), index=True)
    """The delivery of the version that this one replaces, or of the document it retracts."""
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(default=now, server_default="now()")
    accepted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
