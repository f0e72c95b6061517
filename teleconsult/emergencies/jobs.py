"""Nobody is left to be rung: each minute it is looked who is on duty by now."""

import structlog
from procrastinate import JobContext
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.emergencies.models import Emergency
from teleconsult.emergencies.paging import look_again, running_emergency
from teleconsult.emergencies.queries import is_running
from teleconsult.jobs import app

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="look_who_is_on_duty", queueing_lock="look_who_is_on_duty", pass_context=True, priority=100)
async def look_who_is_on_duty(context: JobContext, timestamp: int) -> None:
    """Every minute."""
    sessions: Sessions = context.additional_context["sessions"]
    if paged := await look_for_somebody(sessions):
        log.info("emergencies.paged_again", emergencies=paged, due=timestamp)


async def look_for_somebody(sessions: Sessions) -> int:
    """Ring who has come on duty, for each emergency nobody is rung for any more. For how many there was somebody.

    Each in a transaction of its own: one that fails is tried again a minute later, and keeps no other from its turn.
    """
    async with transaction(sessions, SYSTEM) as session:
        left = (
            await session.scalars(
                select(Emergency.id)
                .join(ServiceRequest, ServiceRequest.id == Emergency.service_request_id)
                .where(Emergency.ended_at.is_(None), Emergency.next_at.is_(None), is_running())
                .order_by(Emergency.pressed_at)
            )
        ).all()
    paged = 0
    for emergency_id in left:
        try:
            async with transaction(sessions, SYSTEM) as session:
                paged += await look_again(session, *await running_emergency(session, emergency_id))
        except Exception:
            log.exception("emergencies.not_looked_at", emergency=str(emergency_id))
    return paged
