"""What is owed to whom: rows in the very transaction of the signature. Nothing is owed when that rolls back."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.delivery.audience import is_meant_for
from teleconsult.delivery.choosing import Recipient, recipients_of
from teleconsult.delivery.jobs import begin_deliveries
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus, Purpose
from teleconsult.notes.content import Relation
from teleconsult.notes.models import Composition, CompositionStatus, NoteRetraction


async def queue_deliveries(
    session: AsyncSession,
    note: Composition,
    consult: ServiceRequest,
    *,
    replaces: Composition | None = None,
    appends: Composition | None = None,
) -> list[Delivery]:
    """Owe the signed note to each of its recipients, and to all who had the version it replaces or appends to.

    The requester's file comes first. What is owed is carried out once the transaction has committed.
    """
    chosen = [one for one in await recipients_of(session, note, consult) if isinstance(one, Recipient)]
    known = replaces or appends
    before = await _sent_before(session, known) if known is not None else {}
    had = (Recipient(one.channel, one.destination, one.recipient) for one in before.values())
    queued = [
        _owed(note, one, before.get((one.channel, one.destination)) if replaces is not None else None)
        for one in _once((*chosen, *had))
        if one.channel is not Channel.SECURE_MAIL or is_meant_for(note, one.destination)
    ]
    return await _queue(session, note, queued)


async def queue_retraction(session: AsyncSession, note: Composition) -> list[Delivery]:
    """Owe word to all who had the note, or were to have it, that it was entered in error."""
    before = await _sent_before(session, note)
    queued = [
        _owed(note, Recipient(one.channel, one.destination, one.recipient), one, purpose=Purpose.RETRACTION)
        for one in before.values()
    ]
    return await _queue(session, note, queued)


async def queue_missing(session: AsyncSession, consult: ServiceRequest, *, address: str) -> list[Delivery]:
    """Owe the notes of a consult that stand to a mailbox that has become known as a recipient's since."""
    queued: list[Delivery] = []
    for note in await standing_notes(session, consult):
        had = await _owed_ever(session, note)
        chosen = [one for one in await recipients_of(session, note, consult) if isinstance(one, Recipient)]
        missing = [
            one
            for one in _once(chosen)
            if (one.channel, one.destination) == (Channel.SECURE_MAIL, address)
            and (one.channel, one.destination) not in had
            and is_meant_for(note, address)
        ]
        queued += await _queue(session, note, [_owed(note, one, None) for one in missing])
    return queued


async def standing_notes(session: AsyncSession, consult: ServiceRequest) -> Sequence[Composition]:
    """The signed notes of a consult that nothing replaces and nobody withdrew, the oldest first."""
    later = aliased(Composition)
    notes = await session.scalars(
        select(Composition)
        .where(
            Composition.service_request_id == consult.id,
            Composition.status == CompositionStatus.FINAL,
            ~exists().where(
                later.related_id == Composition.id,
                later.relation == Relation.REPLACES,
                later.status != CompositionStatus.PRELIMINARY,
            ),
            ~exists().where(NoteRetraction.composition_id == Composition.id),
        )
        .order_by(Composition.signed_at)
    )
    return notes.all()


async def _owed_ever(session: AsyncSession, note: Composition) -> set[tuple[Channel, str]]:
    """Where the note was ever to go: what a person has ended stays ended."""
    found = await session.execute(
        select(Delivery.channel, Delivery.destination).where(
            Delivery.composition_id == note.id, Delivery.purpose == Purpose.DOCUMENT
        )
    )
    return {(row.channel, row.destination) for row in found}


async def _sent_before(session: AsyncSession, note: Composition) -> dict[tuple[Channel, str], Delivery]:
    """To whom the note went, or was to go; of what was given up, where it may have arrived all the same."""
    found = await session.scalars(
        select(Delivery)
        .where(
            Delivery.composition_id == note.id,
            Delivery.purpose == Purpose.DOCUMENT,
            or_(Delivery.status != DeliveryStatus.CANCELLED, Delivery.unknowns > 0),
        )
        .order_by(Delivery.number)
    )
    return {(one.channel, one.destination): one for one in found}


def _once(recipients: Iterable[Recipient]) -> Iterable[Recipient]:
    """Each destination once, in their order."""
    found: dict[tuple[Channel, str], Recipient] = {}
    for one in recipients:
        found.setdefault((one.channel, one.destination), one)
    return found.values()


def _owed(
    note: Composition, to: Recipient, before: Delivery | None, *, purpose: Purpose = Purpose.DOCUMENT
) -> Delivery:
    moment = now()
    return Delivery(
        id=uuid.uuid4(),
        composition_id=note.id,
        channel=to.channel,
        destination=to.destination,
        recipient=to.name,
        purpose=purpose,
        replaces_id=before.id if before is not None else None,
        next_at=moment,
        created_at=moment,
        updated_at=moment,
    )


async def _queue(session: AsyncSession, note: Composition, queued: list[Delivery]) -> list[Delivery]:
    session.add_all(queued)
    await session.flush()
    if queued:
        await begin_deliveries(session, note_id=note.id)
    return queued
