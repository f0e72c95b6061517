"""The demonstration's signing certificates: an authority of this data folder vouches for its specialists."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole, RoleCode
from teleconsult.notes.authority import open_authority
from teleconsult.notes.keys import enrol_signer
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings


async def enrol_signers(session: AsyncSession, settings: Settings) -> None:
    """Give every specialist a certificate; the authority's root goes into the trust folder."""
    sealer = Sealer(settings.secret_key)
    authority = open_authority(settings.data, sealer, at=now())
    roles = await session.scalars(
        select(PractitionerRole)
        .where(PractitionerRole.code == RoleCode.SPECIALIST, PractitionerRole.ended_at.is_(None))
        .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
        .execution_options(populate_existing=True)
    )
    for role in roles:
        await enrol_signer(session, SYSTEM, sealer, authority, role)
