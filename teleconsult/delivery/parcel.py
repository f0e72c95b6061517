"""What is handed to a channel, and what it answers. A sender does no database work; the outbox does."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from teleconsult.delivery.models import Channel, DeliveryStatus, Purpose
from teleconsult.notes.content import NoteContent
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """An Endpoint as it stands now (`directory.models.Endpoint`)."""

    address: str
    uses_tls: bool = False
    authority: str = ""
    """PEM that its certificate must come from; empty for those the machine trusts."""
    credential_sealed: bytes | None = None
    """The Authorization header."""
    message: str = "mdm"
    """Of HL7 v2: `mdm` or `oru`."""
    application: str = ""
    """MSH-5."""
    facility: str = ""
    """MSH-6."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The delivery this one replaces or retracts; the recipient has it, or may have it."""

    delivery_id: uuid.UUID
    document_oid: str
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One note on its way to one destination, whole: the same bytes each time it is sent."""

    delivery_id: uuid.UUID
    """The same at each attempt: message numbers and mail ids are made of it."""
    channel: Channel
    destination: str
    recipient: str
    purpose: Purpose
    content: NoteContent
    pdf: bytes
    pdf_sha256: bytes
    queued_at: datetime
    """The time it is dated with, at each attempt."""
    bundle: bytes | None = None
    """The signed FHIR document, where the note has one."""
    earlier: Earlier | None = None
    place: Place | None = None
    """Where an Endpoint is; None for channels that need none."""
    is_resend: bool = False
    """It may have arrived already."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt.

    `state` is ACCEPTED, DELIVERED or READ; SENT_UNKNOWN where it was written and no answer came; RETRY_WAIT for what
    may pass (`reason` a name of `delivery.reasons`); DEAD for what will not. `detail` is what the other side said.
    """

    state: DeliveryStatus
    external_id: str | None = None
    receipt: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""
    payload_sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What senders need of the installation."""

    settings: Settings
    sealer: Sealer


class Sender(Protocol):
    """A channel's way out."""

    async def send(self, parcel: Parcel, means: Means) -> Outcome:
        """Send it once, within `channels.LONGEST` seconds. What is raised counts as unknown."""
        ...
