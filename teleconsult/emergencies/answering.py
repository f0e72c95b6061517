"""What those who are rung do: their device rings, they go into the room, or they say no."""

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest, TaskStatus
from teleconsult.consults.states import ConsultState, Verb, may, state_of
from teleconsult.db import act_as
from teleconsult.directory.models import HealthcareService, Practitioner, PractitionerRole, RoleCode
from teleconsult.emergencies.models import Emergency, EmergencyPage
from teleconsult.emergencies.paging import page_next, put_to, ring, running_emergency, silence
from teleconsult.emergencies.queries import latest_page
from teleconsult.encounters.models import EncounterParticipant
from teleconsult.errors import NotFound, Refused
from teleconsult.events import tell


async def note_rung(session: AsyncSession, actor: Actor, *, page_id: uuid.UUID) -> None:
    """A device of theirs rings: the first to say so counts. Raises NotFound for another's page."""
    page = await _own_page(session, actor, EmergencyPage.id == page_id)
    if page.rung_at is None:
        page.rung_at = now()
        await session.flush()
        await tell(session, "ConsultEmergencyRung", consult=page.emergency.service_request_id)


async def answer_emergency(session: AsyncSession, actor: Actor, *, emergency_id: uuid.UUID) -> Emergency:
    """Go into the room: the consult is the actor's, and every device of everybody falls silent.

    Whoever was paged may, also after the request went on to the next hospital, and any specialist of the service. Of
    two at once exactly one wins. A coordinator who answers sees to it: specialists are rung on. Twice is once.
    Raises NotFound, Refused naming who answered before; for a coordinator there is nothing to see to then.
    """
    found = await _emergency_for(session, actor, emergency_id)
    page = await latest_page(session, found.id, actor.role_id)
    await act_as(session, SYSTEM)  # who was paged need not see the request any more: it may have gone on
    emergency, consult = await running_emergency(session, found.id)
    is_settled = emergency.answered_by_id is not None and page is not None and actor.role is RoleCode.COORDINATOR
    if emergency.answered_by_id != actor.role_id and not is_settled:
        await _check_running(session, emergency, consult)
        if page is not None and actor.role is RoleCode.COORDINATOR:
            await _see_to_it(session, actor, emergency, consult, page)
        elif page is not None or may(consult, actor, Verb.ANSWER):
            await _enter(session, actor, emergency, consult, page)
        else:
            raise NotFound
    await act_as(session, actor)
    return emergency


async def decline_emergency(session: AsyncSession, actor: Actor, *, emergency_id: uuid.UUID) -> None:
    """Say no: the actor is not rung again for this one, and the next in turn is rung at once. Twice is once.

    Raises NotFound for who was not paged.
    """
    asked = EmergencyPage.emergency_id == emergency_id
    page = await _own_page(session, actor, asked, EmergencyPage.practitioner_role_id == actor.role_id)
    await act_as(session, SYSTEM)
    emergency, consult = await running_emergency(session, emergency_id)
    await session.refresh(page)
    if page.declined_at is None and page.ended_at is None:
        page.declined_at = page.ended_at = now()
        audit.record(session, actor, "emergency-declined", page, patient_id=consult.patient_id)
        await session.flush()
        await tell(session, "EmergencyRings", rung=actor.account_id)  # the actor's other devices
        if not await _is_anyone_rung(session, page):
            await page_next(session, emergency, consult)
        else:
            await tell_consult(session, "ConsultEmergencyPaged", consult)
    await session.flush()
    await act_as(session, actor)


async def _enter(
    session: AsyncSession, actor: Actor, emergency: Emergency, consult: ServiceRequest, page: EmergencyPage | None
) -> None:
    """Task `in-progress`, a seat in the room, silence everywhere else."""
    if page is not None and page.service_id != consult.service_id:
        consult = await put_to(session, consult, await session.get_one(HealthcareService, page.service_id))
    task, appointment, moment = consult.task, consult.appointment, now()
    assert task is not None and appointment is not None and appointment.encounter is not None, "the room is open"
    task.status, task.owner_role_id, task.modified_at = TaskStatus.IN_PROGRESS, actor.role_id, moment
    appointment.specialist_role_id, consult.updated_at = actor.role_id, moment
    await _take_seat(session, actor, appointment.encounter.id)
    emergency.answered_at, emergency.answered_by_id = moment, actor.role_id
    audit.record(session, actor, "emergency-answered", emergency, patient_id=consult.patient_id, task=task.id)
    await silence(session, emergency, answered=actor.role_id)
    await tell_consult(session, "ConsultEmergencyAnswered", consult)


async def _take_seat(session: AsyncSession, actor: Actor, encounter_id: uuid.UUID) -> None:
    """Who handed it back and answers after all has one already."""
    seat = select(EncounterParticipant.id).where(
        EncounterParticipant.encounter_id == encounter_id, EncounterParticipant.practitioner_role_id == actor.role_id
    )
    if await session.scalar(seat) is None:
        session.add(EncounterParticipant(encounter_id=encounter_id, practitioner_role_id=actor.role_id))


async def _see_to_it(
    session: AsyncSession, actor: Actor, emergency: Emergency, consult: ServiceRequest, page: EmergencyPage
) -> None:
    """A coordinator has it in hand: the other coordinators are rung no more."""
    moment = now()
    page.answered_at = page.answered_at or moment
    same = (
        await session.scalars(
            select(EmergencyPage)
            .join(EmergencyPage.role)
            .where(
                EmergencyPage.emergency_id == emergency.id,
                EmergencyPage.ended_at.is_(None),
                EmergencyPage.service_id == page.service_id,
                PractitionerRole.code == RoleCode.COORDINATOR,
            )
            .options(contains_eager(EmergencyPage.role))
        )
    ).all()
    for other in same:
        other.ended_at = moment
    await ring(session, [other.role.practitioner_id for other in same])
    audit.record(session, actor, "emergency-seen-to", emergency, patient_id=consult.patient_id)
    await session.flush()
    await tell_consult(session, "ConsultEmergencyPaged", consult)


async def _check_running(session: AsyncSession, emergency: Emergency, consult: ServiceRequest) -> None:
    if emergency.answered_by_id is not None:
        answered = select(Practitioner).join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
        who = (await session.scalars(answered.where(PractitionerRole.id == emergency.answered_by_id))).one()
        raise Refused("%(name)s has answered already.", name=who.name)
    if state_of(consult) is not ConsultState.EMERGENCY:
        raise Refused("This emergency was called off.")


async def _is_anyone_rung(session: AsyncSession, page: EmergencyPage) -> bool:
    """Whether somebody who was rung at the same time or later has not said no: then their seconds run."""
    others = select(EmergencyPage.id).where(
        EmergencyPage.emergency_id == page.emergency_id,
        EmergencyPage.paged_at >= page.paged_at,
        EmergencyPage.ended_at.is_(None),
    )
    return await session.scalar(others.limit(1)) is not None


async def _emergency_for(session: AsyncSession, actor: Actor, emergency_id: uuid.UUID) -> Emergency:
    found = await session.scalar(select(Emergency).where(Emergency.id == emergency_id, rows.emergencies(actor)))
    if found is None:
        raise NotFound
    return found


async def _own_page(session: AsyncSession, actor: Actor, *which: ColumnElement[bool]) -> EmergencyPage:
    found = await session.scalar(
        select(EmergencyPage)
        .where(*which, rows.emergency_pages(actor))
        .options(joinedload(EmergencyPage.emergency))
        .order_by(EmergencyPage.paged_at.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound
    return found
