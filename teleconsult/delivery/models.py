"""Who must receive a signed note, by which way, and the proof that they did."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base


class Channel(StrEnum):
    """The ways a note travels."""

    PATIENT_FILE = "patient-file"


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    QUEUED = "queued"
    DELIVERED = "delivered"


class Delivery(Base):
    """One note to one destination: queued in the signature's own transaction, delivered once."""

    __tablename__ = "delivery"
    __table_args__ = (UniqueConstraint("composition_id", "channel", "destination"),)

    composition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("composition.id"))
    channel: Mapped[Channel]
    destination: Mapped[str]
    status: Mapped[DeliveryStatus] = mapped_column(default=DeliveryStatus.QUEUED)
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
