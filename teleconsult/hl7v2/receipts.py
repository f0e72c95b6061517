"""Receipts of what became of a document: ZAM^Z01 in the national record, Z02 at a mail server, Z03 read.

ANS, volet Transmission d'un document CDA-R2 en HL7v2. They come by the same door as results do, minutes or days after
the document went out, and name the message it went in (MSA-2).
"""

import uuid
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.receiving_receipts import note_receipt
from teleconsult.directory.models import Endpoint
from teleconsult.hl7v2.reading import MISSING, UNKNOWN_KEY, Fault, Message

STATES: Final = {"Z01": DeliveryStatus.DELIVERED, "Z02": DeliveryStatus.DELIVERED, "Z03": DeliveryStatus.READ}
LONGEST: Final = 300


async def take_receipt(session: AsyncSession, actor: Actor, message: Message) -> None:
    """Note it on the delivery it speaks of, one to a system of the sender's own establishment. Raises Fault."""
    told = next(message.all("MSA"), None)
    named = told.text(2) if told is not None else ""
    if told is None or not named:
        raise Fault(MISSING, "This says not which message it is about.", where="MSA-2")
    found = await session.scalar(
        select(Delivery).where(Delivery.external_id == named, Delivery.channel == Channel.HL7V2).limit(1)
    )
    endpoint = await session.get(Endpoint, uuid.UUID(found.destination)) if found is not None else None
    if endpoint is None or endpoint.organization_id != actor.organization_id:
        raise Fault(UNKNOWN_KEY, "No message of ours to you is called so.", where="MSA-2")
    errors = list(message.all("ERR"))
    is_bad = bool(errors) or told.text(1) not in ("AA", "CA")
    event = message.kind[1]
    said = "; ".join(" ".join(filter(None, (error.text(5), error.text(8)))) for error in errors)[:LONGEST]
    failure = Reason.NOT_FILED if event == "Z01" else Reason.BOUNCED
    await note_receipt(
        session,
        external_id=named,
        state=DeliveryStatus.DEAD if is_bad else STATES[event],
        reason=failure if is_bad else "",
        detail=said,
        receipt={"kind": f"ZAM^{event}"},
    )
