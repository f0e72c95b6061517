"""A session is over: what that does to its rows, whoever noticed it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.consults.models import UNSIGNED, ServiceRequest, Task
from teleconsult.encounters.models import Encounter
from teleconsult.encounters.session_log import log_event, room_as_told
from teleconsult.events import tell
from teleconsult.scheduling.models import Appointment, AppointmentStatus


async def end_session(
    session: AsyncSession,
    actor: Actor,
    *,
    request: ServiceRequest,
    task: Task,
    appointment: Appointment,
    encounter: Encounter,
    at: datetime,
) -> None:
    """The appointment is fulfilled, the task waits `unsigned` for the note. Both may still come back.

    Part of an act that holds the consult's lock.
    """
    encounter.ended_at = at
    appointment.status = AppointmentStatus.FULFILLED
    task.business_status, task.modified_at = UNSIGNED, now()
    record(session, actor, "encounter-ended", encounter, patient_id=request.patient_id, consult=request.id)
    await tell(session, "EncounterEnded", consult=request.id, encounter=encounter.id)
    await session.flush()
    await log_event(session, encounter, "room", room_as_told(encounter))
