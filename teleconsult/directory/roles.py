"""Roles at one establishment: given and ended by its administrators, never by oneself for oneself."""

import uuid
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import practitioners_of_house, roles_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.ending import end_sessions
from teleconsult.accounts.models import WebSession
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.directory.models import Practitioner, PractitionerRole, RoleCode, Specialty
from teleconsult.encounters.colleagues import end_passes
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from teleconsult.events import tell

ASSIGNABLE: Final = tuple(code for code in RoleCode if code is not RoleCode.OPERATOR)
"""What an administrator may give. Operators answer for the network, not for one establishment."""
WITH_SPECIALTY: Final = frozenset({RoleCode.SPECIALIST, RoleCode.DOCTOR})


async def practitioner_here(session: AsyncSession, actor: Actor, practitioner_id: uuid.UUID) -> Practitioner:
    """Somebody who has, or had, a role at the actor's establishment. Raises NotFound, also for others.

    Held for the transaction, because the database asks who may hold a row as it asks who may change it: names may be
    read by everybody, so reading alone would find others' people where the condition here were forgotten.
    """
    require(actor, Permission.ADMINISTRATION)
    practitioner = await session.scalar(
        select(Practitioner)
        .where(Practitioner.id == practitioner_id, practitioners_of_house(actor))
        .with_for_update(read=True, key_share=True)
    )
    if practitioner is None:
        raise NotFound
    return practitioner


async def add_role(
    session: AsyncSession, actor: Actor, *, practitioner_id: uuid.UUID, code: RoleCode, specialty: Specialty | None
) -> PractitionerRole:
    """Give somebody who works here another role here; one that had ended begins again.

    Raises StepUpNeeded, NotFound, Forbidden for oneself, Invalid for what an administrator cannot give, Conflict
    where they have it already.
    """
    practitioner = await practitioner_here(session, actor, practitioner_id)
    require_fresh(actor)
    refuse_oneself(actor, practitioner)
    check_role(code, specialty)
    assert actor.organization_id is not None, "the permission is an establishment's"
    return await grant_role(
        session, actor, practitioner, organization_id=actor.organization_id, code=code, specialty=specialty
    )


async def end_role(session: AsyncSession, actor: Actor, *, role_id: uuid.UUID) -> PractitionerRole:
    """End a role here: its sessions end, its sockets drop. Somebody whose last role ends no longer signs in.

    Raises StepUpNeeded, NotFound, Forbidden for one's own administrator's role, Refused where it is over already.
    """
    require(actor, Permission.ADMINISTRATION)
    role = await session.scalar(
        select(PractitionerRole)
        .where(PractitionerRole.id == role_id, roles_of_house(actor))
        .options(joinedload(PractitionerRole.practitioner))
        .with_for_update(of=PractitionerRole)
    )
    if role is None:
        raise NotFound
    require_fresh(actor)
    if role.code not in ASSIGNABLE:
        raise Forbidden("This person operates the network: that is not an establishment’s to change.")
    if role.practitioner_id == actor.practitioner_id and role.code is RoleCode.ADMINISTRATOR:
        raise Forbidden("You cannot end your own role as administrator. Another administrator can.")
    if role.ended_at is not None:
        raise Refused("This role has ended already.")
    role.ended_at = now()
    await end_sessions(session, WebSession.practitioner_role_id == role.id)
    await end_passes(session, actor, [role.id])
    audit.record(session, actor, "role-ended", role, code=role.code.value, practitioner=role.practitioner_id)
    await tell(session, "AccessChanged", role=role.id)
    await session.flush()
    return role


def refuse_oneself(actor: Actor, practitioner: Practitioner) -> None:
    """Raise Forbidden where somebody is about to change what they may do themselves."""
    if practitioner.id == actor.practitioner_id:
        raise Forbidden("You cannot do this for yourself. Another administrator can.")


def check_role(code: RoleCode, specialty: Specialty | None) -> None:
    """Raise Invalid for a role an administrator cannot give, and for a specialist of nothing."""
    if code not in ASSIGNABLE:
        raise Invalid({"role": "Choose a role from the list."})
    if code is RoleCode.SPECIALIST and specialty is None:
        raise Invalid({"specialty": "Say which specialty."})


async def grant_role(
    session: AsyncSession,
    actor: Actor,
    practitioner: Practitioner,
    *,
    organization_id: uuid.UUID,
    code: RoleCode,
    specialty: Specialty | None,
) -> PractitionerRole:
    """Write the role and its audit event; who may was asked before. Raises Conflict where it stands already."""
    role = await session.scalar(
        select(PractitionerRole)
        .where(
            PractitionerRole.practitioner_id == practitioner.id,
            PractitionerRole.organization_id == organization_id,
            PractitionerRole.code == code,
        )
        .with_for_update()
    )
    if role is not None and role.ended_at is None:
        raise Conflict("They have this role here already.")
    if role is None:
        role = PractitionerRole(
            id=uuid.uuid4(), practitioner_id=practitioner.id, organization_id=organization_id, code=code
        )
        session.add(role)
    role.started_at, role.ended_at = now(), None
    role.specialty = specialty if code in WITH_SPECIALTY else None
    audit.record(session, actor, "role-added", role, code=code.value, practitioner=practitioner.id)
    await session.flush()
    return role
