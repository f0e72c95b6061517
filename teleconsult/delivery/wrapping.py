"""A delivery made ready to be sent: looked at once more, then put together whole.

The consent is asked for again now, not when it was queued; what waits for the evidence of its signature waits a while.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.consents.recording import permits
from teleconsult.consults.models import ServiceRequest
from teleconsult.delivery.audience import is_meant_for
from teleconsult.delivery.endpoints import CHANNEL_OF, place_of
from teleconsult.delivery.hl7v2_channel import control_id
from teleconsult.delivery.mailbox_standing import why_closed
from teleconsult.delivery.models import ARRIVED, Channel, Delivery, DeliveryStatus, Purpose
from teleconsult.delivery.parcel import Earlier, Parcel, Place
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.secure_mail_message import mail_number
from teleconsult.directory.models import Endpoint, EndpointStatus
from teleconsult.errors import Refused
from teleconsult.notes.content import NoteContent
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.models import Composition
from teleconsult.objects import Objects

LOOK_AGAIN: Final = timedelta(seconds=15)
"""While the evidence of a signature is on its way."""
SUSPENDED_WAIT: Final = timedelta(minutes=10)
MOST_VERSIONS: Final = 50
BY_ENDPOINT: Final = tuple(CHANNEL_OF.values())


@dataclass(frozen=True, slots=True)
class Held:
    """It is not sent now, and why."""

    status: DeliveryStatus
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """All of a parcel but its bytes, and where these lie."""

    delivery: Delivery
    content: NoteContent
    earlier: Earlier | None
    place: Place | None
    pdf_object_key: str
    pdf_sha256: bytes
    bundle_object_key: str | None


async def pack(session: AsyncSession, delivery: Delivery, *, evidence_wait: timedelta) -> Packed | Held:
    """Look at everything once more. Called as the system, in a transaction that ends before anything is sent."""
    note = await session.get_one(Composition, delivery.composition_id)
    assert note.content is not None and note.signed_at is not None, "only signed notes are queued"
    endpoint = await _endpoint(session, delivery)
    if isinstance(endpoint, Held):
        return endpoint
    if delivery.purpose is Purpose.DOCUMENT and not await _may_leave(session, note, endpoint):
        return Held(DeliveryStatus.CANCELLED, Reason.CONSENT_WITHDRAWN)
    earlier = await _earlier(session, delivery)
    if delivery.purpose is Purpose.RETRACTION and earlier is None:
        return Held(DeliveryStatus.CANCELLED, Reason.NEVER_SENT)
    revision = await current_pdf(session, note)
    if revision.is_pending and now() < note.signed_at + evidence_wait and delivery.purpose is Purpose.DOCUMENT:
        return Held(DeliveryStatus.QUEUED, at=now() + LOOK_AGAIN)
    if delivery.channel is Channel.HL7V2:  # known before it goes: a receipt may be quicker than our own note of it
        delivery.external_id = control_id(delivery.id)
    if delivery.channel is Channel.SECURE_MAIL:
        if (closed := _why_not_meant(note, delivery) or await why_closed(session, delivery)) is not None:
            return Held(*closed)
        delivery.external_id = mail_number(delivery.id)
    return Packed(
        delivery,
        NoteContent.from_bytes(note.content),
        earlier,
        place_of(endpoint) if endpoint is not None else None,
        revision.object_key,
        revision.sha256,
        getattr(note, "bundle_object_key", None),
    )


async def wrap(packed: Packed, objects: Objects) -> Parcel:
    """Put the bytes in. Raises NotFound where the object store has lost them."""
    delivery = packed.delivery
    return Parcel(
        delivery_id=delivery.id,
        channel=delivery.channel,
        destination=delivery.destination,
        recipient=delivery.recipient,
        purpose=delivery.purpose,
        content=packed.content,
        pdf=await objects.get(packed.pdf_object_key),
        pdf_sha256=packed.pdf_sha256,
        queued_at=delivery.created_at,
        bundle=await objects.get(packed.bundle_object_key) if packed.bundle_object_key else None,
        earlier=packed.earlier,
        place=packed.place,
        is_resend=delivery.unknowns > 0,
    )


async def _endpoint(session: AsyncSession, delivery: Delivery) -> Endpoint | Held | None:
    if delivery.channel not in BY_ENDPOINT:
        return None
    endpoint = await session.get(Endpoint, uuid.UUID(delivery.destination))
    if endpoint is None or endpoint.status is EndpointStatus.OFF:
        return Held(DeliveryStatus.DEAD, Reason.ENDPOINT_OFF)
    if endpoint.status is EndpointStatus.SUSPENDED:
        return Held(DeliveryStatus.QUEUED, Reason.ENDPOINT_SUSPENDED, now() + SUSPENDED_WAIT)
    return endpoint


async def _may_leave(session: AsyncSession, note: Composition, endpoint: Endpoint | None) -> bool:
    """The consent stands, or it goes into the record of who asked, which keeps what was signed (`consents.effects`)."""
    if await permits(session, note.service_request_id):
        return True
    consult = await session.get_one(ServiceRequest, note.service_request_id)
    return endpoint is not None and endpoint.organization_id == consult.requester_organization_id


def _why_not_meant(note: Composition, delivery: Delivery) -> tuple[DeliveryStatus, Reason] | None:
    """A document goes to whom its author means it for; word that one was withdrawn to all who have it."""
    try:
        is_meant = delivery.purpose is not Purpose.DOCUMENT or is_meant_for(note, delivery.destination)
    except Refused:
        is_meant = False
    return None if is_meant else (DeliveryStatus.CANCELLED, Reason.NOT_MEANT)


async def _earlier(session: AsyncSession, delivery: Delivery) -> Earlier | None:
    """The last version before this one that the recipient has, or may have."""
    seen, before_id = 0, delivery.replaces_id
    while before_id is not None and seen < MOST_VERSIONS:
        before = await session.get_one(Delivery, before_id)
        if before.status in ARRIVED or before.unknowns:
            note = await session.get_one(Composition, before.composition_id)
            assert note.content is not None, "only signed notes are queued"
            return Earlier(before.id, NoteContent.from_bytes(note.content).document_oid, before.external_id)
        seen, before_id = seen + 1, before.replaces_id
    return None
