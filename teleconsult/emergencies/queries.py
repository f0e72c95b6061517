"""What rings for somebody, what runs, and the emergency of a consult."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from teleconsult.access import rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.models import UNSIGNED, ConsultMode, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.queries import whole
from teleconsult.db import act_as
from teleconsult.directory.models import DutyShift, HealthcareService, PractitionerRole, RoleCode
from teleconsult.emergencies.models import Emergency, EmergencyPage

RINGS_FOR: Final = 180
"""Seconds, or until the next one's turn where that is later. Who has not answered by then is not there.

The emergency still stands at the top of their list.
"""
MOST_RUNNING: Final = 50


@dataclass(frozen=True, slots=True)
class Ringing:
    """What a device that rings says: for whom, from where, about what."""

    page: EmergencyPage
    consult: ServiceRequest
    is_role_in_force: bool
    """Whether the person acts in the role that was paged: another one is changed to first."""

    @property
    def is_to_coordinate(self) -> bool:
        """Whether no specialist has answered, and somebody has to see to it."""
        return self.page.role.code is RoleCode.COORDINATOR


async def ringing(session: AsyncSession, actor: Actor) -> Sequence[Ringing]:
    """What rings for the actor now, the latest first; page, service and consult loaded.

    The consult is told to who was paged, also after it went on to the next hospital: they may still answer.
    """
    pages = (
        await session.scalars(
            select(EmergencyPage)
            .join(EmergencyPage.emergency)
            .join(EmergencyPage.service)
            .where(
                rows.emergency_pages(actor),
                EmergencyPage.ended_at.is_(None),
                _is_heard(),
                Emergency.ended_at.is_(None),
            )
            .order_by(EmergencyPage.paged_at.desc())
            .options(
                joinedload(EmergencyPage.emergency),
                joinedload(EmergencyPage.role),
                contains_eager(EmergencyPage.service).joinedload(HealthcareService.organization),
            )
        )
    ).all()
    if not pages:
        return ()
    await act_as(session, SYSTEM)
    asked = [page.emergency.service_request_id for page in pages]
    found = await session.scalars(
        select(ServiceRequest)
        .join(Task, Task.service_request_id == ServiceRequest.id)
        .where(
            ServiceRequest.id.in_(asked),
            ServiceRequest.status == RequestStatus.ACTIVE,
            ServiceRequest.mode == ConsultMode.EMERGENCY,
            Task.status == TaskStatus.REQUESTED,
        )
        .options(*whole())
    )
    consults = {consult.id: consult for consult in found}
    await act_as(session, actor)
    return [
        Ringing(page, consults[consult_id], page.practitioner_role_id == actor.role_id)
        for page, consult_id in zip(pages, asked, strict=True)
        if consult_id in consults
    ]


async def latest_page(
    session: AsyncSession, emergency_id: uuid.UUID, role_id: uuid.UUID | None
) -> EmergencyPage | None:
    """How somebody was paged last for an emergency; None where they were not."""
    return await session.scalar(
        select(EmergencyPage)
        .where(EmergencyPage.emergency_id == emergency_id, EmergencyPage.practitioner_role_id == role_id)
        .order_by(EmergencyPage.paged_at.desc())
        .limit(1)
    )


async def is_rung(session: AsyncSession, account_id: uuid.UUID) -> bool:
    """Whether something rings for this person now: asked by the system, when a device of theirs connects."""
    return bool(
        await session.scalar(
            select(
                exists().where(
                    Account.id == account_id,
                    PractitionerRole.practitioner_id == Account.practitioner_id,
                    EmergencyPage.practitioner_role_id == PractitionerRole.id,
                    EmergencyPage.ended_at.is_(None),
                    HealthcareService.id == EmergencyPage.service_id,
                    _is_heard(),
                )
            )
        )
    )


def _is_heard() -> ColumnElement[bool]:
    seconds = func.greatest(HealthcareService.page_seconds, RINGS_FOR)
    return EmergencyPage.paged_at + func.make_interval(0, 0, 0, 0, 0, 0, seconds) > now()


@dataclass(frozen=True, slots=True)
class Running:
    """An emergency whose session is not over, with its consult."""

    emergency: Emergency
    consult: ServiceRequest

    @property
    def rung(self) -> list[EmergencyPage]:
        """Who is rung now."""
        return [page for page in self.emergency.pages if page.ended_at is None]


def is_running() -> ColumnElement[bool]:
    """Of an emergency's request: nobody has answered yet, or the session is not over."""
    return and_(
        ServiceRequest.status == RequestStatus.ACTIVE,
        ServiceRequest.mode == ConsultMode.EMERGENCY,
        exists().where(
            Task.service_request_id == ServiceRequest.id,
            Task.status.in_((TaskStatus.REQUESTED, TaskStatus.IN_PROGRESS)),
            Task.business_status != UNSIGNED,
        ),
    )


async def running(session: AsyncSession, actor: Actor) -> Sequence[Running]:
    """The emergencies of consults that exist for the actor, those nobody answered first, then the latest first."""
    found = await session.execute(
        select(Emergency, ServiceRequest)
        .join(ServiceRequest, ServiceRequest.id == Emergency.service_request_id)
        .where(rows.consults(actor), is_running())
        .order_by(Emergency.answered_at.is_not(None), Emergency.counts_from.desc())
        .limit(MOST_RUNNING)
        .options(*whole(), *_with_pages())
        .execution_options(populate_existing=True)
    )
    return [Running(emergency, consult) for emergency, consult in found.unique()]


async def covered_now(session: AsyncSession) -> set[uuid.UUID]:
    """The services for which somebody is on duty at this moment."""
    return set(await session.scalars(select(DutyShift.service_id).where(DutyShift.is_on(now()))))


async def emergency_of(session: AsyncSession, consult_id: uuid.UUID) -> Emergency | None:
    """The emergency of a consult that was looked up through the actor, with its pages; None of an ordinary one."""
    return await session.scalar(
        select(Emergency)
        .where(Emergency.service_request_id == consult_id)
        .options(*_with_pages())
        .execution_options(populate_existing=True)
    )


def _with_pages() -> tuple[ORMOption, ...]:
    page = selectinload(Emergency.pages)
    return (
        page.joinedload(EmergencyPage.role).joinedload(PractitionerRole.practitioner),
        page.joinedload(EmergencyPage.service).joinedload(HealthcareService.organization),
        joinedload(Emergency.answered_by).joinedload(PractitionerRole.practitioner),
    )
