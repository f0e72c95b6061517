"""The specialist's answer to a request: yes, or no with a reason."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ConsultMode, ServiceRequest, Task, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid

LONGEST_REASON = 1000


async def accept_consult(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> ServiceRequest:
    """Take the consult: the task is the actor's, a proposed time is held for them. In writing the work has begun.

    Of two specialists at once exactly one wins; the other gets NotFound, since it is no longer theirs to see.
    Raises NotFound, Forbidden for who is no specialist, Refused when it is accepted already or closed.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.ACCEPT)
    task, moment = _task_of(consult), now()
    task.status = TaskStatus.IN_PROGRESS if consult.mode is ConsultMode.ADVICE else TaskStatus.ACCEPTED
    task.owner_role_id, task.modified_at = actor.role_id, moment
    consult.updated_at = moment
    if consult.appointment is not None:
        specialist = await session.get_one(
            PractitionerRole,
            actor.role_id,
            options=[joinedload(PractitionerRole.practitioner)],
            populate_existing=True,
        )
        consult.appointment.hold_for(specialist)
    audit.record(session, actor, "consult-accepted", consult, patient_id=consult.patient_id, task=task.id)
    await session.flush()
    await tell_consult(session, "ConsultAccepted", consult)
    return consult


async def decline_consult(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: str) -> ServiceRequest:
    """Say no, or give an accepted consult back; the reason is for the coordinator and the requester to read.

    The task is rejected and stays; a new one asks the service again, for the coordinator to sort. A time held
    for the actor is only proposed again. Raises NotFound, Forbidden, Refused, Invalid without a reason.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.DECLINE)
    reason = checked_reason(reason)
    task, moment = _task_of(consult), now()
    task.status, task.status_reason, task.modified_at = TaskStatus.REJECTED, reason, moment
    task.owner_role_id, consult.updated_at = actor.role_id, moment
    if consult.appointment is not None:
        consult.appointment.hold_for(None)
    await session.flush()  # the open task of a request is unique: the old one closes first
    session.add(Task(service_request_id=consult.id, service_id=task.service_id, created_at=moment, modified_at=moment))
    audit.record(session, actor, "consult-declined", consult, patient_id=consult.patient_id, task=task.id)
    await session.flush()
    await tell_consult(session, "ConsultDeclined", consult)
    return consult


def checked_reason(reason: str) -> str:
    """The reason without blanks around it. Raises Invalid when there is none, or too much of it."""
    reason = reason.strip()
    if not reason:
        raise Invalid({"reason": "Give a reason: the other side will read it."})
    if len(reason) > LONGEST_REASON:
        raise Invalid({"reason": "Keep the reason under 1,000 characters."})
    return reason


def _task_of(consult: ServiceRequest) -> Task:
    assert consult.task is not None, "a state in which someone may answer has an open task"
    return consult.task
