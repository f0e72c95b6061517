"""What happened to a consult, as its audit trail tells it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest

ACTS: Final = (
    "consult-submitted",
    "emergency-raised",
    "emergency-answered",
    "emergency-seen-to",
    "emergency-handed-back",
    "emergency-unanswered",
    "emergency-decided",
    "emergency-necessity-noted",
    "transfer-requested",
    "transfer-noted",
    "consult-received",
    "time-proposed",
    "information-wanted",
    "information-given",
    "consult-assigned",
    "consult-redirected",
    "mode-changed",
    "consult-escalated",
    "consult-accepted",
    "consult-declined",
    "consult-booked",
    "case-listed",
    "case-called",
    "case-discussed",
    "case-postponed",
    "case-removed",
    "time-moved",
    "time-cancelled",
    "consult-cancelled",
    "writing-asked",
    "excerpt-added",
    "excerpt-revoked",
    "consent-confirmed",
    "consent-withdrawn",
    "encounter-started",
    "encounter-ended",
    "session-missed",
    "note-signed",
    "note-co-signed",
    "note-retracted",
    "note-delivered",
    "note-acknowledged",
    "follow-up-recorded",
)
"""The acts worth telling, of the consult itself, its emergency, its team meeting, its session and its notes."""
MOST_TOLD: Final = 100


async def history_of(session: AsyncSession, consult: ServiceRequest) -> Sequence[AuditEvent]:
    """The newest 100 acts, latest first. The caller has looked the consult up through the actor.

    Who sees a consult need not be one who reads the audit log: the database tells this much of it to both.
    """
    told = func.consult_history(consult.id).table_valued(*AuditEvent.__table__.c, name="told")
    event = aliased(AuditEvent, told, adapt_on_names=True)
    events = await session.scalars(
        select(event).where(event.action.in_(ACTS)).order_by(event.recorded_at.desc()).limit(MOST_TOLD)
    )
    return events.all()
