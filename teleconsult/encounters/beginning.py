"""A session begins, or goes on after it had ended: what that does to its rows, whoever had it begin."""

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest, Task, TaskStatus
from teleconsult.encounters.models import Encounter, EncounterStatus
from teleconsult.encounters.session_log import log_event, room_as_told
from teleconsult.events import tell
from teleconsult.scheduling.models import Appointment, AppointmentStatus


async def begin_session(
    session: AsyncSession,
    actor: Actor,
    *,
    request: ServiceRequest,
    task: Task,
    appointment: Appointment,
    encounter: Encounter,
) -> None:
    """The encounter and the task are in progress; does nothing while they are.

    Part of an act that holds the consult's lock, by somebody who sits in the session.
    """
    if encounter.status is EncounterStatus.IN_PROGRESS and encounter.ended_at is None:
        return
    is_first = encounter.started_at is None
    encounter.status = EncounterStatus.IN_PROGRESS
    encounter.started_at = encounter.started_at or now()
    encounter.ended_at = None
    appointment.status = AppointmentStatus.ARRIVED
    task.status, task.business_status, task.modified_at = TaskStatus.IN_PROGRESS, "", now()
    record(
        session,
        actor,
        "encounter-started" if is_first else "encounter-resumed",
        encounter,
        patient_id=request.patient_id,
        consult=request.id,
    )
    await tell(session, "EncounterStarted", consult=request.id, encounter=encounter.id)
    await session.flush()
    await log_event(session, encounter, "room", room_as_told(encounter))
