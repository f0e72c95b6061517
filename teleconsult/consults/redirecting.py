"""Whom a request goes to: to another service, with a reason, or with one specialist in mind."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.answering import checked_reason
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Part, Verb, part_of, require
from teleconsult.db import act_as
from teleconsult.directory.models import HealthcareService, PractitionerRole, RoleCode
from teleconsult.errors import Invalid
from teleconsult.events import tell
from teleconsult.messages.audience import person_in
from teleconsult.messages.occasions import TAKEN
from teleconsult.messages.telling import add_notice


async def redirect_consult(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, service_id: uuid.UUID | None, reason: str
) -> ServiceRequest:
    """Send the request on: the same one, its task rejected with the reason, and a new one for the other service.

    Afterwards it may no longer be the actor's to see. Raises NotFound, Forbidden, Refused, Invalid on `service` and
    `reason`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.REDIRECT)
    reason = checked_reason(reason)
    service = await _other_service(session, consult, service_id)
    assert consult.task is not None, "a state in which it may go on has an open task"
    task, left, moment = consult.task, consult.service, now()
    owner_role_id = task.owner_role_id
    task.status, task.status_reason, task.modified_at = TaskStatus.REJECTED, reason, moment
    if part_of(consult, actor) is Part.CANDIDATE:
        task.owner_role_id = actor.role_id
    if consult.appointment is not None:
        consult.appointment.hold_for(None)
    audit.record(session, actor, "consult-redirected", consult, patient_id=consult.patient_id, service=service.id)
    await session.flush()  # the open task of a request is unique: the old one closes first
    await act_as(session, SYSTEM)  # who coordinates here may not see what is asked of another establishment
    consult.service, consult.status, consult.updated_at = service, RequestStatus.ACTIVE, moment
    session.add(Task(service_request_id=consult.id, service_id=service.id, created_at=moment, modified_at=moment))
    await session.flush()
    await session.refresh(consult, ["task", "tasks"])
    await tell_consult(session, "ConsultRedirected", consult, by=actor.role_id)
    if owner_role_id is not None and owner_role_id != actor.role_id:
        await _say_farewell(session, consult, owner_role_id)
    if left is not None and left.organization_id != service.organization_id:  # their board still shows it
        await tell(session, "ConsultLeft", consult=consult.id, service_organization=left.organization_id)
    await act_as(session, actor)
    return consult


async def _say_farewell(session: AsyncSession, consult: ServiceRequest, role_id: uuid.UUID) -> None:
    """Who had accepted it is told that they have it no longer: they see nothing of it any more."""
    person = await person_in(session, role_id)
    if person is not None:
        await add_notice(
            session,
            person,
            TAKEN,
            consult_id=consult.id,
            occurrence=uuid.uuid4(),
            happened_at=consult.updated_at,
            number=consult.number,
        )


async def _other_service(
    session: AsyncSession, consult: ServiceRequest, service_id: uuid.UUID | None
) -> HealthcareService:
    if service_id is None:
        raise Invalid({"service": "Choose the service that should answer."})
    service = await session.get(
        HealthcareService, service_id, options=[joinedload(HealthcareService.organization)], populate_existing=True
    )
    if service is None or not service.active:
        raise Invalid({"service": "Choose one of the services in the list."})
    if service.id == consult.service_id:
        raise Invalid({"service": "This service has the request already."})
    return service


async def assign_consult(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, role_id: uuid.UUID | None
) -> ServiceRequest:
    """Say which specialist of the service is thought of; None: nobody in particular. The same again is no change.

    Raises NotFound, Forbidden, Refused once somebody has accepted, Invalid on `specialist`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.ASSIGN)
    assert consult.task is not None, "what waits has an open task"
    if consult.task.assigned_role_id == role_id:
        return consult
    role = await session.get(PractitionerRole, role_id) if role_id else None
    if role_id is not None and (role is None or not _answers(role, consult.service)):
        raise Invalid({"specialist": "Choose a specialist of this service."})
    consult.task.assigned_role_id, consult.task.modified_at = role_id, now()
    audit.record(session, actor, "consult-assigned", consult, patient_id=consult.patient_id, specialist=role_id)
    await session.flush()
    await tell_consult(session, "ConsultAssigned", consult, by=actor.role_id)
    return consult


def _answers(role: PractitionerRole, service: HealthcareService | None) -> bool:
    return (
        service is not None
        and (role.code, role.specialty) == (RoleCode.SPECIALIST, service.specialty)
        and role.organization_id == service.organization_id
        and role.ended_at is None
    )


async def specialists_of_house(session: AsyncSession, actor: Actor) -> Sequence[PractitionerRole]:
    """Who could be thought of: the specialists of the actor's establishment, by name."""
    found = await session.scalars(
        select(PractitionerRole)
        .where(
            PractitionerRole.organization_id == actor.organization_id,
            PractitionerRole.code == RoleCode.SPECIALIST,
            PractitionerRole.ended_at.is_(None),
        )
        .options(joinedload(PractitionerRole.practitioner))
    )
    return sorted(found, key=lambda role: role.practitioner.name)
