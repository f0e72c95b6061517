"""The notice that a file was opened without a care relation: owed in the act's own transaction, mailed within a minute.

It names who opened it and where to look, never the patient.
"""

import uuid
from collections.abc import Sequence

import structlog
from procrastinate import JobContext
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner, PractitionerRole, RoleCode
from teleconsult.documents.letters import LetterKind, write_letter
from teleconsult.jobs import app
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.mail import compose, send
from teleconsult.patients.models import BreakGlass
from teleconsult.settings import Settings

log = structlog.get_logger(__name__)


@app.task(name="tell_privacy_officers", pass_context=True, retry=RETRY)
async def tell_privacy_officers(context: JobContext, opening_id: str) -> None:
    """Mail those who watch over the patient's establishment, once."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        opening = await session.get_one(BreakGlass, uuid.UUID(opening_id), options=[_WITH_OPENER])
        if opening.notified_at is not None:
            return
        watchers = await _watchers(session, opening.organization_id)
    if not watchers:
        log.warning("break_glass.nobody_to_tell", organization=str(opening.organization_id))
        return
    for account, role in watchers:
        values = {
            "name": account.practitioner.name,
            "establishment": role.organization.name,
            "opener": opening.role.practitioner.name,
            "opener_establishment": opening.role.organization.name,
            "link": f"{settings.base_url}/audit/break-glass",
        }
        letter = write_letter(LetterKind.GLASS_BROKEN, locale=account.locale or role.organization.locale, values=values)
        await send(settings, compose(settings, letter, to=account.email))
    async with transaction(sessions, SYSTEM) as session:
        kept = await session.get_one(BreakGlass, opening.id, with_for_update=True)
        kept.notified_at = now()


_WITH_OPENER = joinedload(BreakGlass.role).options(
    joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)
)


async def _watchers(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[tuple[Account, PractitionerRole]]:
    """The privacy officers of an establishment; where it has none, its administrators."""
    for code in (RoleCode.PRIVACY_OFFICER, RoleCode.ADMINISTRATOR):
        found = await session.execute(
            select(Account, PractitionerRole)
            .join(Practitioner, Practitioner.id == Account.practitioner_id)
            .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
            .where(
                PractitionerRole.organization_id == organization_id,
                PractitionerRole.code == code,
                PractitionerRole.ended_at.is_(None),
                Account.disabled_at.is_(None),
            )
            .options(joinedload(Account.practitioner), joinedload(PractitionerRole.organization))
        )
        watchers = [(account, role) for account, role in found]
        if watchers:
            return watchers
    return []
