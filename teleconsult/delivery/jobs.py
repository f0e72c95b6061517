"""The outbox: a delivery is queued in the signature's own transaction, and a worker carries it out."""

import uuid

from procrastinate import JobContext, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.actions import deliver_note
from teleconsult.delivery.models import Channel, Delivery
from teleconsult.jobs import app, defer
from teleconsult.notes.models import Composition


async def queue_delivery(session: AsyncSession, note: Composition, consult: ServiceRequest, *, pdf_size: int) -> None:
    """Owe the note, a PDF of `pdf_size` bytes, to the file of who asked. Nothing is owed when this rolls back."""
    delivery = Delivery(
        id=uuid.uuid4(),
        composition_id=note.id,
        channel=Channel.PATIENT_FILE,
        destination=str(consult.requester_organization_id),
        created_at=now(),
    )
    session.add(delivery)
    await session.flush()
    await defer(session, deliver, delivery_id=str(delivery.id), pdf_size=pdf_size)


RETRY = RetryStrategy(max_attempts=12, exponential_wait=3)
"""Again after 3, 9, 27 seconds …, for the last time a week later."""


@app.task(name="deliver_note", pass_context=True, retry=RETRY)
async def deliver(context: JobContext, delivery_id: str, pdf_size: int) -> None:
    """Deliver in a transaction of its own; a failure is tried again, later and later."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        await deliver_note(session, SYSTEM, delivery_id=uuid.UUID(delivery_id), pdf_size=pdf_size)
