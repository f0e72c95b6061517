"""Duty as a specialist sees it: who answers now for their service, and their own shift handed to a colleague."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import DutyShift, HealthcareService, PractitionerRole, RoleCode
from teleconsult.directory.roster import hand_rest_over
from teleconsult.errors import Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Duty:
    """A service the actor answers for, the shifts under way, and to whom they could hand their own."""

    service: HealthcareService
    shifts: Sequence[DutyShift]
    own: DutyShift | None
    colleagues: Sequence[PractitionerRole]


async def duty_of(session: AsyncSession, actor: Actor) -> list[Duty]:
    """The active services this specialist answers for; practitioners loaded."""
    services = await session.scalars(select(HealthcareService).where(rows.services(actor), HealthcareService.active))
    return [await _duty(session, actor, service) for service in services.all()]


async def hand_over_own(session: AsyncSession, actor: Actor, *, shift_id: uuid.UUID, role_id: uuid.UUID) -> DutyShift:
    """From now on a colleague of the service answers, until the actor's own shift would have ended.

    Raises NotFound for another's shift, Refused unless it is under way, Invalid on `role` for who is no colleague,
    Conflict for who is on duty already.
    """
    shift = await session.scalar(
        select(DutyShift)
        .join(DutyShift.service)
        .where(DutyShift.id == shift_id, DutyShift.practitioner_role_id == actor.role_id)
        .options(contains_eager(DutyShift.service))
    )
    if shift is None:
        raise NotFound
    colleague = next((one for one in await _colleagues(session, actor, shift.service) if one.id == role_id), None)
    if colleague is None:
        raise Invalid({"role": "Choose one of your colleagues."})
    await act_as(session, SYSTEM)  # the roster is kept by others: of it only one's own shift changes
    await session.refresh(shift, with_for_update={"of": DutyShift})
    audit.record(session, actor, "shift-handed-over", shift, to=colleague.id)
    added = await hand_rest_over(session, actor, shift, colleague)
    await act_as(session, actor)
    return added


async def _duty(session: AsyncSession, actor: Actor, service: HealthcareService) -> Duty:
    moment = now()
    shifts = (
        await session.scalars(
            select(DutyShift)
            .where(DutyShift.service_id == service.id, DutyShift.is_on(moment))
            .order_by(DutyShift.starts_at.desc(), DutyShift.id)
            .options(joinedload(DutyShift.role).joinedload(PractitionerRole.practitioner))
        )
    ).all()
    own = next((shift for shift in shifts if shift.practitioner_role_id == actor.role_id), None)
    return Duty(service, shifts, own, await _colleagues(session, actor, service) if own else ())


async def _colleagues(session: AsyncSession, actor: Actor, service: HealthcareService) -> Sequence[PractitionerRole]:
    found = await session.scalars(
        select(PractitionerRole)
        .where(
            rows.roles_of_house(actor),
            PractitionerRole.code == RoleCode.SPECIALIST,
            PractitionerRole.specialty == service.specialty,
            PractitionerRole.ended_at.is_(None),
            PractitionerRole.id != actor.role_id,
        )
        .options(joinedload(PractitionerRole.practitioner))
    )
    return sorted(found, key=lambda role: (role.practitioner.family, role.practitioner.given))
