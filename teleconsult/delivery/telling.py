"""Word to who looks after what is sent that a delivery does not go on by itself."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import whole
from teleconsult.delivery.models import Delivery, DeliveryStatus
from teleconsult.notes.models import Composition


async def tell_if_stuck(session: AsyncSession, delivery: Delivery) -> None:
    """Tell the coordinators of the establishment that sends, where a person has to decide now."""
    if delivery.status is not DeliveryStatus.DEAD:
        return
    consult = await session.scalar(
        select(ServiceRequest)
        .join(Composition, Composition.service_request_id == ServiceRequest.id)
        .where(Composition.id == delivery.composition_id)
        .options(*whole())
    )
    assert consult is not None, "the note's foreign key says so"
    await tell_consult(session, "ConsultNoteUndelivered", consult)
