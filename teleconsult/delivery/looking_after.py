"""What a person does about a delivery that does not arrive by itself."""

import uuid
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import lock_consult
from teleconsult.db import act_as
from teleconsult.delivery.jobs import begin_round
from teleconsult.delivery.mailbox_standing import why_closed
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.delivery.queries import delivery_for, other_ways
from teleconsult.delivery.queueing import standing_notes
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.receiving_receipts import stand
from teleconsult.delivery.sending_too import revive, was_opposed
from teleconsult.errors import Conflict, Invalid, Refused
from teleconsult.notes.models import Composition

OPEN: Final = (
    DeliveryStatus.QUEUED,
    DeliveryStatus.RETRY_WAIT,
    DeliveryStatus.SENT_UNKNOWN,
    DeliveryStatus.DEAD,
)
"""Nobody has it in hand, and it has not arrived."""
LONGEST: Final = 300


async def resend_delivery(session: AsyncSession, actor: Actor, *, delivery_id: uuid.UUID) -> Delivery:
    """Try it now, and for days again, under the same ids.

    One that the patient's opposition ended goes too, once that is withdrawn, while its note stands. Raises NotFound,
    Refused for one that arrived or ended.
    """
    if was_opposed(await delivery_for(session, actor, delivery_id)) and await _stands(session, actor, delivery_id):
        delivery = await delivery_for(session, actor, delivery_id, lock=True)
        if was_opposed(delivery):
            await _require_no_opposition(session, actor, delivery)
            revive(delivery)
            await session.flush()
    delivery = await _open(session, actor, delivery_id)
    moment = now()
    if delivery.status is DeliveryStatus.DEAD:
        state = DeliveryStatus.SENT_UNKNOWN if delivery.unknowns else DeliveryStatus.QUEUED
        stand(delivery, state)
    delivery.next_at, delivery.deadline_at = moment, None
    audit.record(session, actor, "delivery-resent", delivery, patient_id=delivery.patient_id)
    await session.flush()
    await begin_round(session)
    return delivery


async def reroute_delivery(
    session: AsyncSession, actor: Actor, *, delivery_id: uuid.UUID, endpoint_id: uuid.UUID
) -> Delivery:
    """Send it to another system of the same recipient instead; the new delivery.

    Raises NotFound, Refused as `resend_delivery`, Invalid on `endpoint` for what is none of the recipient's, Conflict
    where somebody has just sent it there.
    """
    delivery = await _open(session, actor, delivery_id)
    way = next((one for one in await other_ways(session, delivery) if one.id == endpoint_id), None)
    if way is None:
        raise Invalid({"endpoint": "Choose one of the systems on the list."})
    moment = now()
    made = Delivery(
        id=uuid.uuid4(),
        composition_id=delivery.composition_id,
        channel=way.channel,
        destination=str(way.id),
        recipient=way.name,
        purpose=delivery.purpose,
        replaces_id=delivery.replaces_id,
        next_at=moment,
        created_at=moment,
        updated_at=moment,
    )
    try:
        async with session.begin_nested():
            session.add(made)
    except IntegrityError as error:  # the same note, from another row
        raise Conflict("It is on its way to that system already. Load the page again.") from error
    stand(delivery, DeliveryStatus.CANCELLED, reason=Reason.REROUTED, detail=way.name)
    audit.record(session, actor, "delivery-rerouted", delivery, patient_id=delivery.patient_id, to=way.name)
    await session.flush()
    await begin_round(session)
    return made


async def give_up_delivery(session: AsyncSession, actor: Actor, *, delivery_id: uuid.UUID, reason: str) -> Delivery:
    """Try it no more, and say why. Raises NotFound, Refused as `resend_delivery`, Invalid without a reason."""
    delivery = await _open(session, actor, delivery_id)
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST or not reason.isprintable():
        raise Invalid({"reason": "Say in a few words why (300 characters at most)."})
    stand(delivery, DeliveryStatus.CANCELLED, reason=Reason.GIVEN_UP, detail=reason)
    audit.record(session, actor, "delivery-given-up", delivery, patient_id=delivery.patient_id)
    await session.flush()
    return delivery


async def can_be_sent_again(session: AsyncSession, delivery: Delivery) -> bool:
    """Whether there is something to send again: it is open, or the patient's opposition ended it and its note stands.

    `delivery` was found through the actor.
    """
    if delivery.channel is Channel.PATIENT_FILE or delivery.status in OPEN:
        return delivery.channel is not Channel.PATIENT_FILE
    return was_opposed(delivery) and bool(await session.scalar(select(func.note_stands(delivery.composition_id))))


async def _stands(session: AsyncSession, actor: Actor, delivery_id: uuid.UUID) -> bool:
    """Whether its note was neither withdrawn nor replaced; until the transaction ends it is not, as its consult is
    locked. Nobody would be told of it, had that happened while it was not to be sent.
    """
    await act_as(session, SYSTEM)  # who looks after deliveries does not see the note
    of_note = select(Composition.id, Composition.service_request_id).join(Delivery).where(Delivery.id == delivery_id)
    note_id, consult_id = (await session.execute(of_note)).one()
    await lock_consult(session, consult_id)
    notes = await standing_notes(session, await session.get_one(ServiceRequest, consult_id))
    await act_as(session, actor)
    return note_id in {note.id for note in notes}


async def _require_no_opposition(session: AsyncSession, actor: Actor, delivery: Delivery) -> None:
    await act_as(session, SYSTEM)  # of the patient, who looks after deliveries sees nothing
    closed = await why_closed(session, delivery)
    await act_as(session, actor)
    if closed is not None and closed[1] is Reason.OPPOSED:
        raise Refused(
            "The patient still does not want documents sent there. Who asked for the consult records a change."
        )


async def _open(session: AsyncSession, actor: Actor, delivery_id: uuid.UUID) -> Delivery:
    delivery = await delivery_for(session, actor, delivery_id, lock=True)
    if delivery.channel is Channel.PATIENT_FILE or delivery.status not in OPEN:
        raise Refused("There is nothing to be done about it any more: it is being sent, has arrived, or has ended.")
    return delivery
