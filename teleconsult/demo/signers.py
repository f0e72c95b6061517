"""The demonstration's signing certificates: an authority of this data folder vouches for its specialists."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.accounts.personal_keys import open_personal_key
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.demo.people import PASSWORD
from teleconsult.directory.models import PractitionerRole, RoleCode
from teleconsult.notes.authority import open_authority
from teleconsult.notes.enrolling import enrol_signer
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings


async def enrol_signers(sessions: Sessions, settings: Settings) -> None:
    """Give every specialist a certificate, with a key that opens with the password of the demonstration; the
    authority's root goes into the trust folder.
    """
    sealer = Sealer(settings.secret_key)
    authority = open_authority(settings.data, sealer, at=now())
    async with transaction(sessions, SYSTEM) as session:
        found = await session.execute(
            select(PractitionerRole, Account.id)
            .join(Account, Account.practitioner_id == PractitionerRole.practitioner_id)
            .where(PractitionerRole.code == RoleCode.SPECIALIST, PractitionerRole.ended_at.is_(None))
            .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
            .execution_options(populate_existing=True)
        )
        signers = [(role, account_id) for role, account_id in found]
    for role, account_id in signers:
        opened = await open_personal_key(sessions, settings, account_id=account_id, password=PASSWORD)
        async with transaction(sessions, SYSTEM) as session:
            await enrol_signer(session, SYSTEM, opened, authority, role)
