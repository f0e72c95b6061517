"""One person, several roles at several establishments: which there are, and changing to another one."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.sessions import renew_session
from teleconsult.directory.models import Organization, PractitionerRole
from teleconsult.errors import NotFound


async def own_roles(session: AsyncSession, actor: Actor) -> Sequence[PractitionerRole]:
    """The actor's roles that have not ended, by establishment, each with it."""
    roles = await session.scalars(
        select(PractitionerRole)
        .join(PractitionerRole.organization)
        .where(PractitionerRole.practitioner_id == actor.practitioner_id, PractitionerRole.ended_at.is_(None))
        .order_by(Organization.name, PractitionerRole.started_at, PractitionerRole.id)
        .options(contains_eager(PractitionerRole.organization))
    )
    return roles.all()


async def switch_role(session: AsyncSession, actor: Actor, *, role_id: uuid.UUID) -> tuple[Actor, str]:
    """Go on in another of the actor's roles: the actor it makes, and the token of the new cookie.

    The old session ends, and its sockets with it. Raises NotFound for a role that is not the actor's, or over.
    """
    renewed = await renew_session(session, actor, role_id=role_id)
    if renewed is None:
        raise NotFound
    audit.record(session, renewed[0], "role-switched", left=actor.role_id)
    return renewed
