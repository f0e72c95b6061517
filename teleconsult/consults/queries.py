"""Finding consults through the actor: the one look-up for pages, sockets and machines."""

import uuid
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.directory.models import HealthcareService, PractitionerRole, RoleCode
from teleconsult.errors import NotFound
from teleconsult.notes.models import Composition
from teleconsult.patients.models import CareRelation
from teleconsult.scheduling.models import Appointment

UNANSWERED: Final = (TaskStatus.REQUESTED, TaskStatus.RECEIVED, TaskStatus.ON_HOLD)


def whole() -> tuple[ORMOption, ...]:
    """What a consult is loaded with: all that its state, a card or its page needs, in a constant number of queries."""
    notes = (
        Composition.service_request_id,
        Composition.author_role_id,
        Composition.status,
        Composition.created_at,
        Composition.signed_at,
        Composition.signer_name,
    )
    return (
        joinedload(ServiceRequest.patient),
        joinedload(ServiceRequest.requester).joinedload(PractitionerRole.practitioner),
        joinedload(ServiceRequest.requester_organization),
        joinedload(ServiceRequest.service).joinedload(HealthcareService.organization),
        joinedload(ServiceRequest.task).joinedload(Task.owner).joinedload(PractitionerRole.practitioner),
        joinedload(ServiceRequest.appointment).joinedload(Appointment.encounter),
        selectinload(ServiceRequest.tasks).joinedload(Task.owner).joinedload(PractitionerRole.practitioner),
        selectinload(ServiceRequest.notes).load_only(*notes),
    )


async def consult_for(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID, *, lock: bool = False
) -> ServiceRequest:
    """The consult with its patient, people, service, tasks, appointment, encounter and notes.

    Raises NotFound alike for an unknown id and for one this actor may not know of. With `lock` the request
    stays locked until the transaction ends: two people acting at once come one after the other, and the
    second sees what the first did.
    """
    if lock:
        await lock_consult(session, consult_id)
    consult = await session.scalar(
        select(ServiceRequest)
        .where(ServiceRequest.id == consult_id, visible_to(actor))
        .options(*whole())
        .execution_options(populate_existing=True)
    )
    if consult is None:
        raise NotFound
    return consult


async def lock_consult(session: AsyncSession, consult_id: uuid.UUID) -> None:
    """Take turns on a consult: everything that changes it, its task, its time or its session locks this one row first.

    A statement of its own, so that the next one reads what was committed while we waited.
    """
    await session.execute(select(ServiceRequest.id).where(ServiceRequest.id == consult_id).with_for_update())


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which consults exist for this actor.

    The requester sees their own, drafts too (not those thrown away). Once submitted: colleagues of the requesting
    establishment who treat the patient, coordinators of the answering one, specialists of the service while nobody
    has accepted, then only who did.
    """
    if actor.role_id is None:
        return false()
    own = and_(
        ServiceRequest.requester_role_id == actor.role_id,
        or_(ServiceRequest.submitted_at.is_not(None), ServiceRequest.status == RequestStatus.DRAFT),
    )
    return or_(own, and_(ServiceRequest.submitted_at.is_not(None), or_(*_submitted_visible_to(actor))))


def _submitted_visible_to(actor: Actor) -> list[ColumnElement[bool]]:
    match actor.role:
        case RoleCode.DOCTOR:
            treats = exists().where(
                CareRelation.patient_id == ServiceRequest.patient_id,
                CareRelation.practitioner_role_id == actor.role_id,
                CareRelation.ended_at.is_(None),
            )
            return [and_(ServiceRequest.requester_organization_id == actor.organization_id, treats)]
        case RoleCode.COORDINATOR:
            return [ServiceRequest.service_id.in_(services_of(actor))]
        case RoleCode.SPECIALIST:
            task = select(Task.id).where(Task.service_request_id == ServiceRequest.id).correlate(ServiceRequest)
            return [task.where(owned_by(actor)).exists(), task.where(open_to(actor)).exists()]
        case _:
            return [false()]


def owned_by(actor: Actor) -> ColumnElement[bool]:
    """Tasks this specialist accepted and did not give back."""
    return and_(Task.owner_role_id == actor.role_id, Task.status != TaskStatus.REJECTED)


def open_to(actor: Actor) -> ColumnElement[bool]:
    """Tasks nobody has accepted, of the service this specialist answers for."""
    return and_(Task.owner_role_id.is_(None), Task.status.in_(UNANSWERED), Task.service_id.in_(services_of(actor)))


def services_of(actor: Actor) -> Select[Any]:
    """Ids of the services the actor's role answers for: a specialist's specialty, all of a coordinator's house."""
    services = select(HealthcareService.id).where(HealthcareService.organization_id == actor.organization_id)
    if actor.role is RoleCode.SPECIALIST:
        services = services.join(
            PractitionerRole,
            and_(
                PractitionerRole.id == actor.role_id,
                PractitionerRole.organization_id == HealthcareService.organization_id,
                PractitionerRole.specialty == HealthcareService.specialty,
            ),
        )
    return services
