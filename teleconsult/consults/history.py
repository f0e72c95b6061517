"""What happened to a consult, as its audit trail tells it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest

ACTS: Final = (
    "consult-submitted",
    "consult-received",
    "time-proposed",
    "consult-accepted",
    "consult-declined",
    "consult-booked",
    "consult-cancelled",
    "excerpt-revoked",
    "consent-withdrawn",
    "encounter-started",
    "encounter-ended",
    "note-signed",
    "note-delivered",
    "note-acknowledged",
)
"""The acts worth telling, of the consult itself, its session and its notes."""
MOST_TOLD: Final = 100


async def history_of(session: AsyncSession, consult: ServiceRequest) -> Sequence[AuditEvent]:
    """The newest 100 acts, latest first. The caller has looked the consult up through the actor."""
    things = [consult.id, *(note.id for note in consult.notes)]
    if consult.appointment is not None and consult.appointment.encounter is not None:
        things.append(consult.appointment.encounter.id)
    events = await session.scalars(
        select(AuditEvent)
        .where(AuditEvent.entity_id.in_(things), AuditEvent.action.in_(ACTS), AuditEvent.outcome == "success")
        .order_by(AuditEvent.recorded_at.desc())
        .limit(MOST_TOLD)
    )
    return events.all()
