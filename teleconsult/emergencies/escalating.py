"""A request that waits becomes an emergency, and one that turned out to be none waits again: nothing is asked anew."""

import uuid
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ConsultMode, RequestPriority, RequestStatus, ServiceRequest, TaskStatus
from teleconsult.consults.modes import free_time
from teleconsult.consults.promises import end_wait
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.db import act_as
from teleconsult.directory.models import PractitionerRole
from teleconsult.emergencies.ending import stop_emergency
from teleconsult.emergencies.models import Emergency
from teleconsult.emergencies.paging import page_first, running_emergency
from teleconsult.emergencies.raising import open_room
from teleconsult.errors import Invalid
from teleconsult.events import tell

CALMED: Final = (ConsultMode.VIDEO, ConsultMode.ADVICE, ConsultMode.MEETING)
"""How a request may be answered that is an emergency no longer."""


async def escalate_consult(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> Emergency:
    """The patient cannot wait: the same request is `stat`, the room opens, and those on duty for its service are rung.

    Whoever had accepted is rung first, and need not be the one who answers. A time that was booked is free again; what
    was shared, asked and answered stays. Twice is once. Raises NotFound, Forbidden for who did not ask, Refused once
    the session has begun.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    if consult.mode is ConsultMode.EMERGENCY and (known := await _emergency_of(session, consult)) is not None:
        return known
    require(consult, actor, Verb.ESCALATE)
    assert consult.task is not None, "what was submitted has an open task"
    accepted_by = consult.task.owner_role_id
    await act_as(session, SYSTEM)  # rooms are opened by who books, and nobody pages but the system
    _make_urgent(consult)
    emergency = await _begun(session, consult)
    audit.record(session, actor, "consult-escalated", consult, patient_id=consult.patient_id)
    await session.flush()  # the time of a request is unique: the old one is given up first
    await open_room(session, consult)
    emergency, consult = await running_emergency(session, emergency.id)
    first = await session.get(PractitionerRole, accepted_by) if accepted_by else None
    await page_first(session, emergency, consult, first)
    await tell_consult(session, "ConsultEmergencyRaised", consult, by=actor.role_id)
    await tell(session, "AccessChanged", consult=consult.id)  # whoever waits in the room of the old time goes out
    await act_as(session, actor)
    return emergency


async def calm_consult(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, mode: ConsultMode
) -> ServiceRequest:
    """It is an emergency no longer: nobody is rung any more, and the same request waits for its service, urgent.

    Raises NotFound, Forbidden for who did not ask, Refused once somebody has answered, Invalid on `mode`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.CALM)
    if mode not in CALMED:
        raise Invalid({"mode": "Choose from the list."})
    moment = now()
    free_time(consult)
    consult.mode, consult.priority, consult.updated_at = mode, RequestPriority.URGENT, moment
    audit.record(session, actor, "mode-changed", consult, patient_id=consult.patient_id, mode=mode.value)
    await session.flush()
    await stop_emergency(session, actor, consult)
    await tell_consult(session, "ConsultModeChanged", consult, by=actor.role_id)
    return consult


def _make_urgent(consult: ServiceRequest) -> None:
    """As a request that was raised as an emergency: active, `stat`, nobody's yet."""
    task, moment = consult.task, now()
    assert task is not None, "what was submitted has an open task"
    end_wait(consult, at=moment)
    free_time(consult)
    consult.mode, consult.priority = ConsultMode.EMERGENCY, RequestPriority.STAT
    consult.status, consult.updated_at = RequestStatus.ACTIVE, moment
    task.status, task.business_status, task.owner_role_id, task.modified_at = TaskStatus.REQUESTED, "", None, moment


async def _begun(session: AsyncSession, consult: ServiceRequest) -> Emergency:
    """The emergency of the request: a new one, or another round of one that was called an emergency before."""
    known = await _emergency_of(session, consult)
    if known is not None:
        known.round, known.ended_at, known.pressed_again_at = known.round + 1, None, consult.updated_at
        return known
    emergency = Emergency(id=uuid.uuid4(), service_request_id=consult.id, pressed_at=consult.updated_at)
    session.add(emergency)
    return emergency


async def _emergency_of(session: AsyncSession, consult: ServiceRequest) -> Emergency | None:
    return await session.scalar(select(Emergency).where(Emergency.service_request_id == consult.id))
