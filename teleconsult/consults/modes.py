"""The same request, answered in another way: in writing, by video, or by a team meeting."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ConsultMode, ServiceRequest, Task, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.encounters.models import EncounterStatus
from teleconsult.errors import Invalid
from teleconsult.scheduling.models import AppointmentStatus

OFFERED: Final = (ConsultMode.VIDEO, ConsultMode.ADVICE, ConsultMode.MEETING)
"""What one may choose; an emergency begins with a button of its own."""


async def change_mode(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, mode: ConsultMode
) -> ServiceRequest:
    """Answer it in another way; nothing is typed again. The mode it has already is no change.

    In writing a time that was proposed or booked is free again. By video the coordinator proposes one; for a team
    meeting they put it on the list of one. What leaves a meeting is off its list with the time of its turn.
    Raises NotFound, Forbidden, Refused once the session has begun or the note is signed, Invalid on `mode`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.CHANGE_MODE)
    if mode not in OFFERED:
        raise Invalid({"mode": "Choose from the list."})
    if consult.mode is mode:
        return consult
    if mode is ConsultMode.ADVICE:
        return await put_in_writing(session, actor, consult)
    _into_session(consult, mode)
    await _note(session, actor, consult)
    return consult


async def put_in_writing(session: AsyncSession, actor: Actor, consult: ServiceRequest) -> ServiceRequest:
    """Written advice from now on, whichever button said so. Part of an act that holds the consult's lock."""
    into_writing(consult)
    await _note(session, actor, consult)
    return consult


async def _note(session: AsyncSession, actor: Actor, consult: ServiceRequest) -> None:
    consult.updated_at = now()
    audit.record(session, actor, "mode-changed", consult, patient_id=consult.patient_id, mode=consult.mode.value)
    await session.flush()
    await tell_consult(session, "ConsultModeChanged", consult, by=actor.role_id)


def into_writing(consult: ServiceRequest) -> None:
    """No session is held: its time is free, and who accepted answers in a note. Part of the act that says why."""
    consult.mode = ConsultMode.ADVICE
    free_time(consult)
    if consult.task is not None and consult.task.owner_role_id is not None:
        _put(consult.task, TaskStatus.IN_PROGRESS)


def free_time(consult: ServiceRequest) -> None:
    """Its time and its session are given up."""
    if consult.appointment is not None:
        consult.appointment.status = AppointmentStatus.CANCELLED
        if consult.appointment.encounter is not None:
            consult.appointment.encounter.status = EncounterStatus.CANCELLED


def _into_session(consult: ServiceRequest, mode: ConsultMode) -> None:
    if ConsultMode.MEETING in (consult.mode, mode):
        free_time(consult)  # a time for two is none for a meeting, nor the other way round
    consult.mode = mode
    if consult.task is not None and consult.task.owner_role_id is not None:
        _put(consult.task, TaskStatus.ACCEPTED)


def _put(task: Task, status: TaskStatus) -> None:
    task.status, task.business_status, task.modified_at = status, "", now()
