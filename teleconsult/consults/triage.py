"""The coordinator takes notice of a request; either side may call the whole consult off."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.answering import checked_reason
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import RequestStatus, ServiceRequest, TaskStatus
from teleconsult.consults.promises import end_wait
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, Verb, may, require, state_of
from teleconsult.emergencies.ending import stop_emergency
from teleconsult.encounters.models import EncounterStatus
from teleconsult.excerpts.revoking import stop_sharing
from teleconsult.scheduling.models import AppointmentStatus


async def open_consult(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> ServiceRequest:
    """The consult, and the trace of having looked at it; a coordinator's first look receives the request.

    Raises NotFound.
    """
    consult = await consult_for(session, actor, consult_id)
    if may(consult, actor, Verb.RECEIVE):
        consult = await receive_request(session, actor, consult_id=consult_id)
    audit.record(session, actor, "consult-read", consult, patient_id=consult.patient_id)
    return consult


async def receive_request(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> ServiceRequest:
    """A coordinator takes notice of the request: its task is received. The second of two at once changes nothing.

    Raises NotFound, Forbidden for who coordinates nothing.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    if state_of(consult) is ConsultState.TRIAGE:
        return consult
    require(consult, actor, Verb.RECEIVE)
    assert consult.task is not None, "what waits has an open task"
    consult.task.status, consult.task.modified_at = TaskStatus.RECEIVED, now()
    audit.record(session, actor, "consult-received", consult, patient_id=consult.patient_id)
    await session.flush()
    await tell_consult(session, "ConsultReceived", consult)
    return consult


async def cancel_consult(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: str) -> ServiceRequest:
    """Call it off, before the session: request, task, time and room are closed and the excerpt is shared no more.

    Raises NotFound, Forbidden, Refused once the session has begun, Invalid without a reason.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.CANCEL)
    reason = checked_reason(reason)
    await call_off(session, actor, consult, reason=reason)
    await stop_sharing(session, actor, consult_id=consult.id, reason=reason)
    audit.record(session, actor, "consult-cancelled", consult, patient_id=consult.patient_id)
    await session.flush()
    return consult


async def call_off(session: AsyncSession, actor: Actor, consult: ServiceRequest, *, reason: str) -> None:
    """Close what stands of a consult whose session was not held: nobody is rung for it or travels because of it.

    Part of the act that says why, which audits it.
    """
    moment = now()
    consult.status, consult.status_reason, consult.updated_at = RequestStatus.REVOKED, reason, moment
    is_booked = consult.appointment is not None and consult.appointment.booked_at is not None
    await tell_consult(session, "ConsultBookedCancelled" if is_booked else "ConsultCancelled", consult)
    end_wait(consult, at=moment)
    if consult.task is not None:
        consult.task.status, consult.task.modified_at = TaskStatus.CANCELLED, moment
    if consult.appointment is not None:
        consult.appointment.status, consult.appointment.status_reason = AppointmentStatus.CANCELLED, reason
        if consult.appointment.encounter is not None:
            consult.appointment.encounter.status = EncounterStatus.CANCELLED
    await session.flush()
    await stop_emergency(session, actor, consult)
