"""Reading accounts, for those who watch over an establishment."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account
from teleconsult.directory.models import Practitioner, PractitionerRole, RoleCode
from teleconsult.errors import NotFound

MOST = 500


async def accounts_of_establishment(
    session: AsyncSession, actor: Actor
) -> list[tuple[Practitioner, PractitionerRole, str]]:
    """Who works here and how they sign in: practitioner, role, e-mail. Administrators only; 500 at most."""
    if actor.role is not RoleCode.ADMINISTRATOR:
        raise NotFound
    found = await session.execute(
        select(Practitioner, PractitionerRole, Account.email)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
        .join(Account, Account.practitioner_id == Practitioner.id)
        .where(PractitionerRole.organization_id == actor.organization_id)
        .order_by(Practitioner.family, Practitioner.given)
        .limit(MOST)
    )
    return [(practitioner, role, email) for practitioner, role, email in found]
