"""What became of it: who asked is reminded once, after the days their service waits (`consults.following_up`)."""

import uuid
from datetime import datetime, timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import func, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.consults.models import FollowUp, RequestStatus, ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService
from teleconsult.jobs import app
from teleconsult.messages.audience import audience
from teleconsult.messages.models import Notice
from teleconsult.messages.occasions import FOLLOW_UP, OCCASIONS
from teleconsult.messages.telling import add_notice

LATE: Final = timedelta(days=7)
"""What fell due longer ago was missed while nothing ran, or was told: it stands on their home page."""
AT_ONCE: Final = 200
LONGEST: Final = timedelta(days=365)
"""As many days as a service may wait."""

log = structlog.get_logger(__name__)


@app.periodic(cron="17 * * * *")
@app.task(name="ask_what_became", queueing_lock="ask_what_became", pass_context=True)
async def ask_what_became(context: JobContext, timestamp: int) -> None:
    """Every hour."""
    asked = await ask_after(context.additional_context["sessions"], now())
    if asked:
        log.info("follow_ups.asked", consults=asked, due=timestamp)


async def ask_after(sessions: Sessions, moment: datetime) -> int:
    """Tell who asked of each consult whose question falls due by now, once: of how many.

    The same news has one occurrence a consult: a job that runs twice, or an hour later, tells nobody again.
    """
    due_at = ServiceRequest.completed_at + HealthcareService.follow_up_days * func.make_interval(0, 0, 0, 1)
    async with transaction(sessions, SYSTEM) as session:
        told = select(Notice.id).where(Notice.service_request_id == ServiceRequest.id, Notice.occasion == FOLLOW_UP)
        due = (
            await session.scalars(
                select(ServiceRequest)
                .join(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
                .where(
                    ServiceRequest.status == RequestStatus.COMPLETED,
                    ServiceRequest.completed_at > moment - LONGEST - LATE,
                    due_at <= moment,
                    due_at > moment - LATE,
                    ~select(FollowUp.id).where(FollowUp.service_request_id == ServiceRequest.id).exists(),
                    ~told.exists(),
                )
                .order_by(ServiceRequest.completed_at)
                .limit(AT_ONCE)
            )
        ).all()
    asked = 0
    for consult in due:
        try:
            async with transaction(sessions, SYSTEM) as session:
                for person in await audience(
                    session, consult, OCCASIONS[FOLLOW_UP].told, specialist_role_id=None, but=None
                ):
                    added = await add_notice(
                        session,
                        person,
                        FOLLOW_UP,
                        consult_id=consult.id,
                        occurrence=uuid.uuid5(consult.id, FOLLOW_UP),
                        happened_at=moment,
                    )
                    asked += added is not None
        except Exception:
            log.exception("follow_ups.not_asked", consult=str(consult.id))
    return asked
