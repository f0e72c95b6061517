"""The sums of a session that has ended, one row for each side: what can be added up over many sessions."""

import uuid
from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext
from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.call_models import CallSummary
from teleconsult.encounters.models import Encounter
from teleconsult.encounters.summing import Side, call_of
from teleconsult.jobs import app
from teleconsult.scheduling.models import Appointment

SETTLED: Final = timedelta(minutes=2)
"""After the end; by then the last figures have been written."""
OLDEST: Final = timedelta(days=2)
AT_ONCE: Final = 100

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="sum_up_sessions", queueing_lock="sum_up_sessions", pass_context=True)
async def sum_up_sessions(context: JobContext, timestamp: int) -> None:
    """Every minute."""
    sessions: Sessions = context.additional_context["sessions"]
    summed = await sum_up_ended(sessions)
    if summed:
        log.info("sessions.summed_up", sessions=summed, due=timestamp)


async def sum_up_ended(sessions: Sessions) -> int:
    """Sum up sessions that ended lately, again where one went on and ended anew: how many."""
    moment, known = (
        now(),
        exists().where(CallSummary.encounter_id == Encounter.id, CallSummary.ended_at == Encounter.ended_at),
    )
    async with transaction(sessions, SYSTEM) as session:
        ended = await session.scalars(
            select(Encounter.id)
            .where(
                Encounter.ended_at.between(moment - OLDEST, moment - SETTLED), Encounter.started_at.is_not(None), ~known
            )
            .order_by(Encounter.ended_at)
            .limit(AT_ONCE)
        )
        encounter_ids = ended.all()
    return sum([await _try_to_sum_up(sessions, encounter_id) for encounter_id in encounter_ids])


async def _try_to_sum_up(sessions: Sessions, encounter_id: uuid.UUID) -> bool:
    try:
        async with transaction(sessions, SYSTEM) as session:
            return await sum_up(session, encounter_id)
    except Exception:
        log.exception("sessions.not_summed_up", encounter=str(encounter_id))
        return False


async def sum_up(session: AsyncSession, encounter_id: uuid.UUID) -> bool:
    """Write the sums of one session; False where it has not ended, or both were never there together."""
    encounter = await session.get_one(Encounter, encounter_id)
    appointment = await session.get_one(Appointment, encounter.appointment_id)
    call = await call_of(session, encounter, appointment)
    if call is None or encounter.ended_at is None:
        return False
    for side in call.sides:
        sums = {"ended_at": encounter.ended_at, "seconds": _seconds(call.length), **_sums(side)}
        await session.execute(
            insert(CallSummary)
            .values(id=uuid.uuid4(), encounter_id=encounter.id, participant_id=side.participant_id, **sums)
            .on_conflict_do_update(index_elements=["participant_id"], set_=sums)
        )
    return True


def _sums(side: Side) -> dict[str, int | None]:
    cut = sum((span.length for span in side.interruptions), timedelta())
    return {
        "video_seconds": _seconds(side.video),
        "picture_seconds": _seconds(side.pictures),
        "sound_seconds": _seconds(side.sound),
        "weak_seconds": _seconds(side.weak),
        "interruptions": len(side.interruptions),
        "interrupted_seconds": _seconds(cut),
        "round_trip": side.round_trip,
        "loss": None if side.loss is None else round(side.loss * 1000),
    }


def _seconds(length: timedelta) -> int:
    return round(length.total_seconds())
