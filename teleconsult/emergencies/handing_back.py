"""Whoever answered cannot be there after all: others are called."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults import states
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Part, Verb, part_of
from teleconsult.db import act_as
from teleconsult.emergencies.models import Emergency, EmergencyPage
from teleconsult.emergencies.paging import page_next, running_emergency
from teleconsult.emergencies.queries import latest_page
from teleconsult.emergencies.times import met_at
from teleconsult.errors import NotFound, Refused
from teleconsult.events import tell


async def call_others(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> ServiceRequest:
    """Have others rung in place of who answered: by who answered, or by who asked while the two have not met.

    Whoever had answered is not rung again for this one, and may still answer it. Raises NotFound, Forbidden, Refused
    once the session is over, a decision or a note stands, or for who asked the two have met.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    emergency = await session.scalar(select(Emergency).where(Emergency.service_request_id == consult.id))
    if emergency is None:
        raise NotFound
    states.require(consult, actor, Verb.HAND_BACK if part_of(consult, actor) is Part.OWNER else Verb.CALL_OTHERS)
    if emergency.decision is not None or consult.notes:
        raise Refused("A decision or a note stands already. Invite a colleague into the room, or telephone.")
    if part_of(consult, actor) is Part.REQUESTER and await met_at(session, emergency) is not None:
        raise Refused("You have met in the room: ask the specialist to hand the emergency back, or telephone.")
    await act_as(session, SYSTEM)
    emergency, consult = await running_emergency(session, emergency.id)
    audit.record(session, actor, "emergency-handed-back", emergency, patient_id=consult.patient_id)
    await tell_consult(session, "ConsultEmergencyHandedBack", consult, by=actor.role_id)
    await _open_again(session, emergency, consult)
    await page_next(session, emergency, consult)
    await tell(session, "AccessChanged", consult=consult.id)
    await act_as(session, actor)
    return consult


async def may_call_others(session: AsyncSession, actor: Actor, consult: ServiceRequest, emergency: Emergency) -> bool:
    """Whether the actor, who sees the consult, may do so now."""
    if emergency.decision is not None or consult.notes:
        return False
    if states.may(consult, actor, Verb.CALL_OTHERS):
        return await met_at(session, emergency) is None
    return states.may(consult, actor, Verb.HAND_BACK)


async def _open_again(session: AsyncSession, emergency: Emergency, consult: ServiceRequest) -> None:
    """Nobody has answered, and a new round begins, without who had."""
    task, appointment, moment = consult.task, consult.appointment, now()
    assert task is not None and appointment is not None and consult.service_id is not None, "a session runs"
    page = await latest_page(session, emergency.id, emergency.answered_by_id)
    if page is None:  # they answered from the list of the service, before anybody rang them
        page = EmergencyPage(
            emergency_id=emergency.id,
            practitioner_role_id=emergency.answered_by_id,
            service_id=consult.service_id,
            round=emergency.round,
            paged_at=emergency.answered_at,
            ended_at=moment,
        )
        session.add(page)
    page.declined_at = moment
    task.status, task.owner_role_id, task.modified_at = TaskStatus.REQUESTED, None, moment
    appointment.specialist_role_id, consult.updated_at = None, moment
    emergency.answered_at = emergency.answered_by_id = emergency.images_at = emergency.ended_at = None
    emergency.round += 1
    await session.flush()
