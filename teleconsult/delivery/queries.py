"""Where signed notes stand on their way: for who reads the note, and for who looks after what is sent."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.delivery.endpoints import CHANNEL_OF, NoteEndpoint
from teleconsult.delivery.models import ARRIVED, OWED, Channel, Delivery, DeliveryStatus, Purpose
from teleconsult.directory.models import ConnectionType
from teleconsult.errors import NotFound
from teleconsult.notes.models import Composition

PAGE: Final = 30
MOST_OF_NOTE: Final = 50
_OTHERS: Final = text("select id, connection_type, name from other_endpoints(:delivery)")


class Standing(StrEnum):
    """Which of them are looked at."""

    STUCK = "stuck"
    """Dead: a person decides."""
    UNDER_WAY = "under-way"
    ARRIVED = "arrived"
    ENDED = "ended"
    """Cancelled, given up, replaced before they went."""


STATES: Final[Mapping[Standing, tuple[DeliveryStatus, ...]]] = {
    Standing.STUCK: (DeliveryStatus.DEAD,),
    Standing.UNDER_WAY: OWED,
    Standing.ARRIVED: ARRIVED,
    Standing.ENDED: (DeliveryStatus.CANCELLED, DeliveryStatus.SUPERSEDED),
}
COUNTED: Final = (Standing.STUCK, Standing.UNDER_WAY)
"""Few at any time; the others are all there ever was."""


@dataclass(frozen=True, slots=True)
class Page:
    """Thirty, the latest first, and where to go on."""

    deliveries: Sequence[Delivery]
    next_before: tuple[datetime, uuid.UUID] | None


def to_requester(deliveries: Sequence[Delivery]) -> Delivery | None:
    """Of those of a note (`deliveries_of`), the one into the requesting establishment's file: it is queued first."""
    into_files = (one for one in deliveries if one.channel is Channel.PATIENT_FILE and one.purpose is Purpose.DOCUMENT)
    return next(into_files, None)


async def deliveries_of(session: AsyncSession, note: Composition) -> Sequence[Delivery]:
    """Who has the note, or is to have it, in the order it was queued; `note` was found through the actor."""
    found = await session.scalars(
        select(Delivery).where(Delivery.composition_id == note.id).order_by(Delivery.number).limit(MOST_OF_NOTE)
    )
    return found.all()


async def deliveries_here(
    session: AsyncSession,
    actor: Actor,
    *,
    standing: Standing,
    channel: Channel | None = None,
    before: tuple[datetime, uuid.UUID] | None = None,
) -> Page:
    """Those of the actor's establishment. Raises NotFound for who looks after none."""
    require(actor, Permission.DELIVERIES)
    query = (
        select(Delivery)
        .where(rows.deliveries(actor), Delivery.status.in_(STATES[standing]))
        .order_by(Delivery.updated_at.desc(), Delivery.id.desc())
        .limit(PAGE + 1)
    )
    if channel is not None:
        query = query.where(Delivery.channel == channel)
    if before is not None:
        query = query.where(tuple_(Delivery.updated_at, Delivery.id) < tuple_(*before))
    found = (await session.scalars(query)).all()
    shown = found[:PAGE]
    return Page(shown, (shown[-1].updated_at, shown[-1].id) if len(found) > PAGE else None)


async def counts_here(session: AsyncSession, actor: Actor) -> dict[Standing, int]:
    """How many are stuck and how many under way. Raises NotFound."""
    require(actor, Permission.DELIVERIES)
    wanted = [state for standing in COUNTED for state in STATES[standing]]
    found = await session.execute(
        select(Delivery.status, func.count())
        .where(rows.deliveries(actor), Delivery.status.in_(wanted))
        .group_by(Delivery.status)
    )
    counted = {row[0]: row[1] for row in found}
    return {standing: sum(counted.get(state, 0) for state in STATES[standing]) for standing in COUNTED}


async def delivery_for(session: AsyncSession, actor: Actor, delivery_id: uuid.UUID, *, lock: bool = False) -> Delivery:
    """One of them. Raises NotFound."""
    require(actor, Permission.DELIVERIES)
    query = select(Delivery).where(Delivery.id == delivery_id, rows.deliveries(actor))
    if lock:
        query = query.with_for_update(of=Delivery).execution_options(populate_existing=True)
    found: Delivery | None = await session.scalar(query)
    if found is None:
        raise NotFound
    return found


async def other_ways(session: AsyncSession, delivery: Delivery) -> list[NoteEndpoint]:
    """Other systems of the same recipient that it could go to instead."""
    if delivery.channel not in CHANNEL_OF.values():
        return []
    found = await session.execute(_OTHERS, {"delivery": delivery.id})
    return [NoteEndpoint(row.id, CHANNEL_OF[ConnectionType(row.connection_type)], row.name) for row in found]
