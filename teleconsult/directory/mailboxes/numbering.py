"""Under which number an establishment stands in the national directory."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.directory.mailboxes.numbers import structure_number
from teleconsult.directory.models import Organization
from teleconsult.errors import Invalid


async def number_here(session: AsyncSession, actor: Actor) -> str:
    """That of the actor's establishment; empty where it has none. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    wanted = select(Organization.structure_number).where(Organization.id == actor.organization_id)
    return await session.scalar(wanted) or ""


async def set_number(session: AsyncSession, actor: Actor, *, number: str) -> Organization:
    """FINESS or SIRET, or none. Raises NotFound, Invalid on `number`."""
    require(actor, Permission.ADMINISTRATION)
    plain = structure_number(number)
    if number.strip() and not plain:
        raise Invalid({"number": "This is no FINESS number. It has nine digits, such as 540002698."})
    house = (
        await session.scalars(select(Organization).where(Organization.id == actor.organization_id).with_for_update())
    ).one()
    if house.structure_number != plain:
        house.structure_number = plain
        audit.record(session, actor, "establishment-changed", house)
        await session.flush()
    return house
