"""Where a note stands on its way."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.delivery.models import Channel, Delivery
from teleconsult.notes.models import Composition


async def delivery_of(session: AsyncSession, note: Composition) -> Delivery | None:
    """The delivery into the requesting establishment's file, for who may read the note."""
    return await session.scalar(
        select(Delivery).where(Delivery.composition_id == note.id, Delivery.channel == Channel.PATIENT_FILE)
    )
