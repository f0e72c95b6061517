"""How much is on its way, in numbers alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.models import OWED, Channel, Delivery, DeliveryStatus


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has not arrived, dead ones too; and how long the oldest that still goes by itself has been owed."""

    counts: Mapping[tuple[Channel, DeliveryStatus], int]
    oldest_seconds: float


async def deliveries_waiting(sessions: Sessions) -> Waiting:
    """Of the whole installation."""
    async with transaction(sessions, SYSTEM) as session:
        found = await session.execute(
            select(Delivery.channel, Delivery.status, func.count(), func.min(Delivery.created_at))
            .where(Delivery.status.in_((*OWED, DeliveryStatus.DEAD)))
            .group_by(Delivery.channel, Delivery.status)
        )
        rows = found.all()
    oldest = [row[3] for row in rows if row[1] in OWED]
    return Waiting(
        {(row[0], row[1]): row[2] for row in rows},
        (now() - min(oldest)).total_seconds() if oldest else 0.0,
    )
