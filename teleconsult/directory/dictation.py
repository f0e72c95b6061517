"""Whether an establishment's specialists may dictate notes with what their browsers offer."""

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import Organization


async def allows_dictation(session: AsyncSession, actor: Actor) -> bool:
    """Whether the actor's establishment allows it; off until it is switched on."""
    house = await session.get(Organization, actor.organization_id) if actor.organization_id else None
    return house is not None and house.allows_dictation


async def set_dictation(session: AsyncSession, actor: Actor, *, is_allowed: bool) -> None:
    """Allow it from now on, or no more. Raises NotFound for anybody but an administrator."""
    require(actor, Permission.ADMINISTRATION)
    house = await session.get_one(Organization, actor.organization_id, with_for_update=True)
    if house.allows_dictation == is_allowed:
        return
    house.allows_dictation = is_allowed
    audit.record(session, actor, "dictation-allowed" if is_allowed else "dictation-ended", house)
    await session.flush()
