"""A sign-in that failed, in the audit of the establishment whose person was meant."""

import uuid
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.entering import Visit
from teleconsult.accounts.models import Account
from teleconsult.directory.models import PractitionerRole

NOBODYS: Final = uuid.UUID(int=0)


async def record_refused(
    session: AsyncSession, account: Account | None, action: str, *, visit: Visit, reason: str | None = None
) -> None:
    """Add the event. Nobody has shown who they are: the account is what was aimed at, not who acted.

    The look-up is made for unknown accounts too, so that both take the same time.
    """
    whose = account.practitioner_id if account is not None and account.practitioner_id is not None else NOBODYS
    aimed_at = await session.execute(
        select(PractitionerRole.id, PractitionerRole.organization_id)
        .where(
            PractitionerRole.practitioner_id == whose,
            PractitionerRole.ended_at.is_(None),
        )
        .order_by(PractitionerRole.started_at, PractitionerRole.id)
        .limit(1)
    )
    role_id, house = aimed_at.one_or_none() or (None, None)
    event = audit.record(session, None, action, account, outcome="denied", address=visit.address)
    event.organization_id = house
    said = {"aimed_at": role_id, "reason": reason}
    event.detail = {name: str(value) for name, value in said.items() if value is not None}
