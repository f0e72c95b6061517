"""Who is on duty for a service: shifts planned, taken away, handed over."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import roles_of_house, services_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import DutyShift, PractitionerRole, RoleCode
from teleconsult.directory.services import service_here
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.events import tell

LONGEST: Final = timedelta(days=7)
FARTHEST: Final = timedelta(days=366)
LATEST_ENTRY: Final = timedelta(days=1)
"""A shift may be written down a day after it was over; what is older stays as it was."""


async def on_duty(session: AsyncSession, service_id: uuid.UUID, at: datetime) -> Sequence[PractitionerRole]:
    """Who answers for a service at a moment, the shift begun last first; practitioner loaded.

    Nobody whose role has ended. Asked by whoever pages them; no actor, since no patient is in it.
    """
    shifts = await session.scalars(
        select(DutyShift)
        .join(DutyShift.role)
        .where(
            DutyShift.service_id == service_id,
            DutyShift.is_on(at),
            PractitionerRole.ended_at.is_(None),
        )
        .order_by(DutyShift.starts_at.desc(), DutyShift.id)
        .options(contains_eager(DutyShift.role).joinedload(PractitionerRole.practitioner))
    )
    return list(dict.fromkeys(shift.role for shift in shifts))


async def shifts_between(session: AsyncSession, actor: Actor, *, start: datetime, end: datetime) -> Sequence[DutyShift]:
    """Every shift of the establishment's services that touches the time, by its start; role, practitioner, service."""
    require(actor, Permission.ROSTER)
    shifts = await session.scalars(
        select(DutyShift)
        .join(DutyShift.service)
        .where(
            services_of_house(actor),
            DutyShift.starts_at < end,
            DutyShift.ends_at > start,
        )
        .order_by(DutyShift.starts_at, DutyShift.ends_at, DutyShift.id)
        .options(
            contains_eager(DutyShift.service),
            joinedload(DutyShift.role).joinedload(PractitionerRole.practitioner),
        )
    )
    return shifts.all()


async def may_be_on_duty(session: AsyncSession, actor: Actor) -> Sequence[PractitionerRole]:
    """The specialists who work here, by name; practitioner loaded. Raises NotFound."""
    require(actor, Permission.ROSTER)
    roles = await session.scalars(
        select(PractitionerRole)
        .where(
            roles_of_house(actor),
            PractitionerRole.code == RoleCode.SPECIALIST,
            PractitionerRole.ended_at.is_(None),
        )
        .options(joinedload(PractitionerRole.practitioner))
    )
    return sorted(roles, key=lambda role: (role.practitioner.family, role.practitioner.given))


async def add_shift(
    session: AsyncSession,
    actor: Actor,
    *,
    service_id: uuid.UUID,
    role_id: uuid.UUID,
    starts_at: datetime,
    ends_at: datetime,
) -> DutyShift:
    """Put a specialist of the establishment on duty for one of its services. Two at once may be meant; it is shown.

    Raises NotFound for another's service, Invalid, Conflict where the same person is on duty then for that service.
    """
    service = await service_here(session, actor, service_id)
    role = await _specialist(session, actor, role_id)
    if ends_at <= starts_at:
        raise Invalid({"ends_at": "The shift must end after it begins."})
    if ends_at - starts_at > LONGEST:
        raise Invalid({"ends_at": "A shift is a week at most. Add several."})
    if ends_at < now() - LATEST_ENTRY:
        raise Invalid({"starts_at": "This is over. Plan what is to come."})
    if starts_at > now() + FARTHEST:
        raise Invalid({"starts_at": "This is more than a year away."})
    shift = DutyShift(service_id=service.id, practitioner_role_id=role.id, starts_at=starts_at, ends_at=ends_at)
    return await _add(session, actor, shift)


async def remove_shift(session: AsyncSession, actor: Actor, *, shift_id: uuid.UUID) -> None:
    """Take a shift away that has not ended; one that has begun ends now. Raises NotFound, Refused once it is over."""
    shift, moment = await _shift(session, actor, shift_id), now()
    if shift.ends_at <= moment:
        raise Refused("This shift is over: it stays as it was.")
    _record(session, actor, "shift-removed", shift)
    if shift.starts_at < moment:
        shift.ends_at = moment
    else:
        await session.delete(shift)
    await tell(session, "RosterChanged", service=shift.service_id)
    await session.flush()


async def hand_over(session: AsyncSession, actor: Actor, *, shift_id: uuid.UUID, role_id: uuid.UUID) -> DutyShift:
    """From now on somebody else answers, until the shift would have ended.

    Raises NotFound, Refused unless the shift is under way, Invalid for nobody of ours, Conflict for who is on duty.
    """
    shift = await _shift(session, actor, shift_id)
    role = await _specialist(session, actor, role_id)
    audit.record(session, actor, "shift-handed-over", shift, to=role.id)
    return await hand_rest_over(session, actor, shift, role)


async def hand_rest_over(session: AsyncSession, actor: Actor, shift: DutyShift, role: PractitionerRole) -> DutyShift:
    """The rest of a locked shift is this person's. Part of the act that says who may, which audits it.

    Raises Refused unless the shift is under way, Conflict for who is on duty.
    """
    moment = now()
    if not shift.starts_at <= moment < shift.ends_at:
        raise Refused("Only a shift that is under way can be handed over.")
    rest = DutyShift(service_id=shift.service_id, practitioner_role_id=role.id, starts_at=moment, ends_at=shift.ends_at)
    added = await _add(session, actor, rest)
    shift.ends_at = moment
    await session.flush()
    return added


async def _shift(session: AsyncSession, actor: Actor, shift_id: uuid.UUID) -> DutyShift:
    require(actor, Permission.ROSTER)
    shift = await session.scalar(
        select(DutyShift)
        .join(DutyShift.service)
        .where(DutyShift.id == shift_id, services_of_house(actor))
        .options(contains_eager(DutyShift.service))
        .with_for_update(of=DutyShift)
    )
    if shift is None:
        raise NotFound
    return shift


async def _specialist(session: AsyncSession, actor: Actor, role_id: uuid.UUID) -> PractitionerRole:
    role = await session.scalar(
        select(PractitionerRole).where(
            PractitionerRole.id == role_id,
            roles_of_house(actor),
            PractitionerRole.code == RoleCode.SPECIALIST,
            PractitionerRole.ended_at.is_(None),
        )
    )
    if role is None:
        raise Invalid({"role": "Choose one of your specialists."})
    return role


async def _add(session: AsyncSession, actor: Actor, shift: DutyShift) -> DutyShift:
    """Write a shift down, unless its person is on duty then for that service already (Conflict)."""
    turn = func.hashtextextended(f"roster {shift.service_id}", 0)  # who presses twice plans once
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    same = await session.scalar(
        select(DutyShift.id)
        .where(
            DutyShift.service_id == shift.service_id,
            DutyShift.practitioner_role_id == shift.practitioner_role_id,
            DutyShift.starts_at < shift.ends_at,
            DutyShift.ends_at > shift.starts_at,
        )
        .limit(1)
    )
    if same is not None:
        raise Conflict("This person is on duty then already.")
    shift.id, shift.created_by_id, shift.created_at = uuid.uuid4(), actor.role_id, now()
    session.add(shift)
    _record(session, actor, "shift-added", shift)
    await tell(session, "RosterChanged", service=shift.service_id)
    await session.flush()
    return shift


def _record(session: AsyncSession, actor: Actor, action: str, shift: DutyShift) -> None:
    audit.record(
        session,
        actor,
        action,
        shift,
        service=shift.service_id,
        role=shift.practitioner_role_id,
        starts=shift.starts_at.isoformat(),
        ends=shift.ends_at.isoformat(),
    )
