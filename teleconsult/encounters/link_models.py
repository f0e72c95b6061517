"""What a participant's devices and link were found to carry before the session."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from teleconsult.db import Base


class LinkVerdict(StrEnum):
    """What a session over this link will be, in words."""

    VIDEO = "video"
    PICTURES = "pictures"
    """Sound, and a picture now and then."""
    SOUND = "sound"
    WRITE = "write"
    """Not even sound: written advice serves better."""


class Way(StrEnum):
    """How media may get through a network: straight to us, or by a relay (RFC 8656) over UDP, TCP or TLS."""

    DIRECT = "direct"
    RELAY_UDP = "relay-udp"
    RELAY_TCP = "relay-tcp"
    RELAY_TLS = "relay-tls"


class LinkCheck(Base):
    """One check. Never changed: the newest one counts."""

    __tablename__ = "link_check"
    __table_args__ = (
        Index(None, "participant_id", "checked_at"),
        CheckConstraint("loss between 0 and 1", name="loss"),
    )

    participant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encounter_participant.id"))
    checked_at: Mapped[datetime]
    verdict: Mapped[LinkVerdict]
    round_trip: Mapped[int | None]
    """Milliseconds."""
    jitter: Mapped[int | None]
    """Milliseconds."""
    loss: Mapped[float | None]
    """Share of the packets, 0 to 1: the worse direction's."""
    uplink: Mapped[int | None]
    """bit/s."""
    downlink: Mapped[int | None]
    """bit/s."""
    ways: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    """Those that work (`Way`)."""
    blocked_ways: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    """Those that were tried in vain."""
    has_camera: Mapped[bool]
    has_microphone: Mapped[bool]
    has_speaker: Mapped[bool | None]
    """Whether the tone was heard, as they said; null where they were not asked."""
