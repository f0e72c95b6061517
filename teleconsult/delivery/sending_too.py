"""A note that is signed already, sent to somebody who was added since, or whom the patient no longer objects to: when a
person says so, by the same rules as any other recipient, and once.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.db import act_as
from teleconsult.delivery.audience import is_meant_for
from teleconsult.delivery.jobs import begin_round
from teleconsult.delivery.mailing import Mailed
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus, Purpose
from teleconsult.delivery.queueing import queue_missing, standing_notes
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.receiving_receipts import stand
from teleconsult.errors import Conflict


@dataclass(frozen=True, slots=True)
class Sent:
    """What of a request's signed notes its recipients by mail have, or are to have."""

    is_signed: bool
    """Whether there is a note to be sent."""
    lacking: frozenset[str] = frozenset()
    """Addresses that do not get all of them unless somebody says so."""
    having: frozenset[str] = frozenset()
    """Those that have one, or are to have it."""


async def sent_to(session: AsyncSession, actor: Actor, consult: ServiceRequest, recipients: Sequence[Mailed]) -> Sent:
    """`consult` was found through the actor; of its notes nothing is told but who has them."""
    await act_as(session, SYSTEM)  # who arranges a consult is told who has its note, and cannot read it
    notes = await standing_notes(session, consult)
    found = await session.scalars(
        select(Delivery).where(
            Delivery.composition_id.in_([note.id for note in notes]),
            Delivery.channel == Channel.SECURE_MAIL,
            Delivery.purpose == Purpose.DOCUMENT,
        )
    )
    had = {(one.composition_id, one.destination) for one in found if not was_opposed(one)}
    await act_as(session, actor)
    addresses = {one.address for one in recipients if one.address}
    lacking = {
        address
        for address in addresses
        for note in notes
        if (note.id, address) not in had and is_meant_for(note, address)
    }
    return Sent(bool(notes), frozenset(lacking), frozenset(address for _id, address in had))


async def send_signed(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, recipients: Sequence[Mailed], address: str
) -> None:
    """Owe the signed notes of a request to one of its `recipients` (`addressing.addressed`) too.

    Raises Conflict where they have it, or are to have it, already, and for an address that is none of theirs.
    """
    require(actor, Permission.CONSULT_DISCUSS)
    consult = await consult_for(session, actor, consult_id, lock=True)  # pressed twice, it is owed once
    if address not in {one.address for one in recipients if one.address}:
        raise Conflict("They are not among the recipients any more.")
    if address not in (await sent_to(session, actor, consult, recipients)).lacking:
        raise Conflict("They have the signed note already, or it is on its way to them.")
    await act_as(session, SYSTEM)  # only the author owes what they sign
    revived = await _revived(session, consult, address)
    queued = [*revived, *await queue_missing(session, consult, address=address)]
    await act_as(session, actor)
    for delivery in queued:
        audit.record(session, actor, "note-sent-too", delivery, patient_id=consult.patient_id, address=address)
    await session.flush()


async def _revived(session: AsyncSession, consult: ServiceRequest, address: str) -> list[Delivery]:
    """Those that the patient's opposition ended, which stands no more: under the same number."""
    notes = await standing_notes(session, consult)
    found = await session.scalars(
        select(Delivery)
        .where(
            Delivery.composition_id.in_([note.id for note in notes]),
            Delivery.channel == Channel.SECURE_MAIL,
            Delivery.destination == address,
            Delivery.purpose == Purpose.DOCUMENT,
        )
        .with_for_update()
    )
    opposed = [one for one in found.all() if was_opposed(one)]
    for one in opposed:
        revive(one)
    if opposed:
        await session.flush()
        await begin_round(session)
    return opposed


def revive(delivery: Delivery) -> None:
    """It is owed again, as the same."""
    stand(delivery, DeliveryStatus.SENT_UNKNOWN if delivery.unknowns else DeliveryStatus.QUEUED)
    delivery.deadline_at = None


def was_opposed(delivery: Delivery) -> bool:
    """Whether it was not sent because the patient was opposed to it."""
    return delivery.status is DeliveryStatus.CANCELLED and delivery.reason == Reason.OPPOSED
