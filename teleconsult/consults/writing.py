"""The same request, answered in writing: where the call cannot be held, nothing is asked anew."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import UNSIGNED, ServiceRequest, TaskStatus
from teleconsult.consults.modes import put_in_writing
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, Verb, require, state_of
from teleconsult.encounters.ending import end_session


async def ask_for_writing(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> ServiceRequest:
    """Have the specialist answer in a note: a session that began has ended, the time of one that did not is free again.

    The latter is written advice from now on, as by `change_mode`. Either side may; where a note is awaited already,
    nothing changes. Raises NotFound, Forbidden, Refused where no session is to be held.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.ASK_FOR_WRITING)
    if state_of(consult) in (ConsultState.ADVISING, ConsultState.UNSIGNED):
        return consult
    task, appointment = consult.task, consult.appointment
    assert task is not None, "there is a session: somebody accepted"
    assert appointment is not None, "there is a session: it has a time"
    encounter = appointment.encounter
    if encounter is None or encounter.started_at is None:
        return await put_in_writing(session, actor, consult)
    await end_session(
        session, actor, request=consult, task=task, appointment=appointment, encounter=encounter, at=now()
    )
    task.status, task.business_status, task.modified_at = TaskStatus.IN_PROGRESS, UNSIGNED, now()
    audit.record(session, actor, "writing-asked", consult, patient_id=consult.patient_id)
    await session.flush()
    await tell_consult(session, "ConsultToBeWritten", consult)
    return consult
