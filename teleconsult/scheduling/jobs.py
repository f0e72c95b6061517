"""What happens to booked sessions by themselves, minute by minute."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import or_, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.encounters.queries import OVER
from teleconsult.jobs import app
from teleconsult.scheduling.attending import settle
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from teleconsult.scheduling.waiting import entries_waiting, look_for_earlier
from teleconsult.settings import Settings

OLDEST: Final = timedelta(days=60)
AT_ONCE: Final = 200

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="settle_sessions", queueing_lock="settle_sessions", pass_context=True)
async def settle_sessions(context: JobContext, timestamp: int) -> None:
    """Every minute."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    became = await settle_due(sessions, settings)
    if became:
        log.info("sessions.settled", sessions=len(became), due=timestamp)


async def settle_due(sessions: Sessions, settings: Settings) -> dict[uuid.UUID, AppointmentStatus]:
    """Settle what may be due, each in a transaction of its own: what became of the consults something happened to.

    One that fails is tried again a minute later, and keeps no other from its turn.
    """
    became = {}
    for consult_id in await _awaited(sessions, timedelta(minutes=settings.missed_minutes)):
        try:
            async with transaction(sessions, SYSTEM) as session:
                status = await settle(session, settings, consult_id=consult_id)
        except Exception:
            log.exception("sessions.unsettled", consult=str(consult_id))
        else:
            if status is not None:
                became[consult_id] = status
    return became


@app.periodic(cron="* * * * *")
@app.task(name="offer_earlier_times", queueing_lock="offer_earlier_times", pass_context=True)
async def offer_earlier_times(context: JobContext, timestamp: int) -> None:
    """Every minute: offer what became free to those who wait for an earlier time, who came first first."""
    sessions: Sessions = context.additional_context["sessions"]
    offered = await offer_free(sessions)
    if offered:
        log.info("times.offered", consults=len(offered), due=timestamp)


async def offer_free(sessions: Sessions) -> list[uuid.UUID]:
    """Look for each consult that waits, in a transaction of its own. Which were offered a time."""
    async with transaction(sessions, SYSTEM) as session:
        waiting = await entries_waiting(session)
    offered = []
    for consult_id in waiting:
        try:
            async with transaction(sessions, SYSTEM) as session:
                if await look_for_earlier(session, consult_id=consult_id) is not None:
                    offered.append(consult_id)
        except Exception:
            log.exception("times.unoffered", consult=str(consult_id))
    return offered


async def _awaited(sessions: Sessions, grace: timedelta) -> Sequence[uuid.UUID]:
    """Consults whose booked time is over, or whose session runs."""
    moment = now()
    async with transaction(sessions, SYSTEM) as session:
        found = await session.scalars(
            select(Encounter.service_request_id)
            .join(Appointment, Appointment.id == Encounter.appointment_id)
            .where(
                Appointment.status.in_((AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED)),
                Appointment.ends_at > moment - OLDEST,
                or_(Appointment.ends_at < moment - grace, Encounter.status == EncounterStatus.IN_PROGRESS),
                Encounter.status.not_in(OVER),
            )
            .order_by(Appointment.ends_at)
            .limit(AT_ONCE)
        )
        return found.all()
