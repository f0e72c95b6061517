"""Who is rung next: those on duty for the service in turn, then its coordinators, then the next hospital.

Whom it was is found anew at each step: a shift handed over meanwhile counts. Who was rung goes on being rung, until
somebody answers: a step adds a person and takes nobody away.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from procrastinate import JobContext, RetryStrategy
from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest, Task, TaskStatus
from teleconsult.consults.queries import lock_consult, whole
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, driver_connection, transaction
from teleconsult.directory.models import (
    HealthcareService,
    Organization,
    OrganizationKind,
    PractitionerRole,
    RoleCode,
)
from teleconsult.directory.roster import on_duty
from teleconsult.emergencies.models import Emergency, EmergencyPage
from teleconsult.events import tell
from teleconsult.jobs import app
from teleconsult.messages.channels import reach
from teleconsult.messages.occasions import PAGE

UNANSWERED: Final = "unanswered"
"""The business status of a task that went on to the next hospital."""
FARTHEST_FIRST: Final = (OrganizationKind.TERTIARY, OrganizationKind.PROVINCIAL, OrganizationKind.CLINIC)
"""Which hospital comes next: who can do most."""
RETRY: Final = RetryStrategy(max_attempts=60, wait=1)


@app.task(name="page_in_turn", pass_context=True, retry=RETRY, priority=100)
async def page_in_turn(context: JobContext, emergency_id: str, step: int) -> None:
    """Ring the next one, unless somebody answered, it was called off, or this step was taken already."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        emergency, consult = await running_emergency(session, uuid.UUID(emergency_id))
        if emergency.step == step and emergency.next_at is not None:
            await page_next(session, emergency, consult)


async def running_emergency(session: AsyncSession, emergency_id: uuid.UUID) -> tuple[Emergency, ServiceRequest]:
    """The emergency and its consult as they stand, whole, the consult locked: as the system sees them."""
    emergency = await session.get_one(Emergency, emergency_id)
    await lock_consult(session, emergency.service_request_id)
    await session.refresh(emergency)
    return emergency, await _consult(session, emergency.service_request_id)


async def page_next(session: AsyncSession, emergency: Emergency, consult: ServiceRequest) -> None:
    """Ring whoever is next, and have the one after them rung when their seconds are over.

    Part of an act of the system's that holds the consult's lock. Where nobody is left, nobody will be rung any more:
    the requester is told, and may have it begun anew.
    """
    if state_of(consult) is not ConsultState.EMERGENCY:
        emergency.next_at, emergency.ended_at = None, emergency.ended_at or now()
        return
    service, roles = await _next_in_turn(session, emergency, consult)
    if service is None:
        emergency.step += 1
        emergency.next_at = None
        audit.record(session, SYSTEM, "emergency-unanswered", emergency, patient_id=consult.patient_id)
        await session.flush()
        await tell_consult(session, "ConsultEmergencyUnanswered", consult)
        return
    await _page(session, emergency, consult, service, roles)


async def page_first(
    session: AsyncSession, emergency: Emergency, consult: ServiceRequest, role: PractitionerRole | None
) -> None:
    """Ring this person before those on duty, where they can be rung: they know the patient. Else as `page_next`."""
    first = [] if role is None or role.ended_at is not None else await _with_account(session, [role])
    if first and consult.service is not None:
        await _page(session, emergency, consult, consult.service, first)
    else:
        await page_next(session, emergency, consult)


async def look_again(session: AsyncSession, emergency: Emergency, consult: ServiceRequest) -> bool:
    """Where nobody was left: ring who has come on duty since, at any service of the way. Whether somebody has.

    Part of an act of the system's that holds the consult's lock.
    """
    if emergency.next_at is not None or state_of(consult) is not ConsultState.EMERGENCY:
        return False
    service, roles = await _next_in_turn(session, emergency, consult, is_anew=True)
    if service is None:
        return False
    await _page(session, emergency, consult, service, roles)
    return True


async def _page(
    session: AsyncSession,
    emergency: Emergency,
    consult: ServiceRequest,
    service: HealthcareService,
    roles: Sequence[PractitionerRole],
) -> None:
    emergency.step += 1
    if service.id != consult.service_id:
        consult = await put_to(session, consult, service)
        audit.record(session, SYSTEM, "emergency-went-on", emergency, patient_id=consult.patient_id, to=service.id)
    moment = now()
    for role in roles:
        page = EmergencyPage(
            id=uuid.uuid4(),
            emergency_id=emergency.id,
            practitioner_role_id=role.id,
            service_id=service.id,
            round=emergency.round,
            paged_at=moment,
        )
        session.add(page)
        audit.record(session, SYSTEM, "emergency-paged", page, patient_id=consult.patient_id, role=role.id)
    emergency.next_at = moment + timedelta(seconds=service.page_seconds)
    await session.flush()
    await ring(session, [role.practitioner_id for role in roles])
    for role in roles:
        await reach(session, role.id, PAGE, consult_id=consult.id)
    if emergency.step > 1:  # the first page is told with the emergency itself
        await tell_consult(session, "ConsultEmergencyPaged", consult)
    await _defer(session, emergency)


async def put_to(session: AsyncSession, consult: ServiceRequest, service: HealthcareService) -> ServiceRequest:
    """The request goes on to another service: the open task is closed unanswered, and a new one asks there."""
    moment = now()
    if consult.task is not None:
        consult.task.status, consult.task.business_status = TaskStatus.CANCELLED, UNANSWERED
        consult.task.modified_at = moment
    consult.service_id, consult.updated_at = service.id, moment
    await session.flush()  # the open task of a request is unique: the old one closes first
    session.add(Task(service_request_id=consult.id, service_id=service.id, created_at=moment, modified_at=moment))
    await session.flush()
    return await _consult(session, consult.id)


async def silence(session: AsyncSession, emergency: Emergency, *, answered: uuid.UUID | None = None) -> None:
    """Nobody is rung any more; `answered` is the role of who goes into the room. Every device is told to look again."""
    moment = now()
    pages = (
        await session.scalars(
            select(EmergencyPage)
            .join(EmergencyPage.role)
            .where(EmergencyPage.emergency_id == emergency.id, EmergencyPage.ended_at.is_(None))
            .options(contains_eager(EmergencyPage.role))
        )
    ).all()
    for page in pages:
        page.ended_at = moment
        if page.practitioner_role_id == answered:
            page.answered_at = moment
    emergency.next_at, emergency.ended_at = None, moment
    await session.flush()
    await ring(session, [page.role.practitioner_id for page in pages])


async def ring(session: AsyncSession, practitioners: Sequence[uuid.UUID]) -> None:
    """Have every device of theirs look whether it has to ring."""
    accounts = await session.scalars(select(Account.id).where(Account.practitioner_id.in_(practitioners)))
    for account_id in accounts:
        await tell(session, "EmergencyRings", rung=account_id)


async def _defer(session: AsyncSession, emergency: Emergency) -> None:
    connection = await driver_connection(session)
    await page_in_turn.configure(connection=connection, schedule_at=emergency.next_at).defer_async(
        emergency_id=str(emergency.id), step=emergency.step
    )


async def _next_in_turn(
    session: AsyncSession, emergency: Emergency, consult: ServiceRequest, *, is_anew: bool = False
) -> tuple[HealthcareService | None, Sequence[PractitionerRole]]:
    """The service whose turn it is and whom of it to ring; nobody is rung twice in a round, or who declined again.

    Anew, the services that were passed count again.
    """
    pages = (
        await session.scalars(
            select(EmergencyPage)
            .join(EmergencyPage.role)
            .where(EmergencyPage.emergency_id == emergency.id)
            .options(contains_eager(EmergencyPage.role))
        )
    ).all()
    here = [page for page in pages if page.round == emergency.round]
    barred = {page.role.practitioner_id for page in pages if page.declined_at is not None}
    barred |= {page.role.practitioner_id for page in here} | {consult.requester.practitioner_id}
    passed = set() if is_anew else {page.service_id for page in here}
    for service in await _services(session, consult, passed=passed):
        duty = [role for role in await on_duty(session, service.id, now()) if role.practitioner_id not in barred]
        if reached := await _with_account(session, duty):
            return service, reached[:1]
        if reached := await _with_account(session, await _coordinators(session, service, barred)):
            return service, reached
    return None, ()


async def _services(
    session: AsyncSession, consult: ServiceRequest, *, passed: set[uuid.UUID]
) -> Sequence[HealthcareService]:
    """The service asked now, then those of the same specialty elsewhere in the network that were not asked yet.

    First those that the service which was pressed for named, in its order; then who can do most.
    """
    asked = consult.service
    assert asked is not None, "an emergency names a service"
    rank = case({kind: place for place, kind in enumerate(FARTHEST_FIRST)}, value=Organization.kind, else_=9)
    pressed_for = select(HealthcareService.next_services).where(HealthcareService.id == consult.tasks[0].service_id)
    named = await session.scalar(pressed_for) or []
    place = case({id: place for place, id in enumerate(named)}, value=HealthcareService.id, else_=len(named))
    others = await session.scalars(
        select(HealthcareService)
        .join(HealthcareService.organization)
        .where(
            HealthcareService.specialty == asked.specialty,
            HealthcareService.active,
            HealthcareService.id != asked.id,
            HealthcareService.id.not_in(passed),
            Organization.sharing_network.is_not(None),
            Organization.sharing_network == consult.requester_organization.sharing_network,
        )
        .order_by(*([place] if named else []), rank, Organization.name, HealthcareService.id)
        .options(contains_eager(HealthcareService.organization))
    )
    return [asked, *others]


async def _coordinators(
    session: AsyncSession, service: HealthcareService, barred: set[uuid.UUID]
) -> Sequence[PractitionerRole]:
    found = await session.scalars(
        select(PractitionerRole)
        .where(
            PractitionerRole.organization_id == service.organization_id,
            PractitionerRole.code == RoleCode.COORDINATOR,
            PractitionerRole.ended_at.is_(None),
            PractitionerRole.practitioner_id.not_in(barred),
        )
        .order_by(PractitionerRole.started_at, PractitionerRole.id)
    )
    return found.all()


async def _with_account(session: AsyncSession, roles: Sequence[PractitionerRole]) -> Sequence[PractitionerRole]:
    """Those who can be rung at all."""
    people = [role.practitioner_id for role in roles]
    open_to = select(Account.practitioner_id).where(Account.practitioner_id.in_(people), Account.disabled_at.is_(None))
    reached = set(await session.scalars(open_to)) if people else set()
    return [role for role in roles if role.practitioner_id in reached]


async def _consult(session: AsyncSession, consult_id: uuid.UUID) -> ServiceRequest:
    found = select(ServiceRequest).where(ServiceRequest.id == consult_id).options(*whole())
    return (await session.scalars(found.execution_options(populate_existing=True))).one()
