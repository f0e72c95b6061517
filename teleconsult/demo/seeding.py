"""Fill an empty database with the demonstration, once."""

import structlog
from sqlalchemy import func, select

from teleconsult.accounts.models import Account
from teleconsult.db import Sessions, transaction
from teleconsult.demo.people import ACCOUNTS, add_people
from teleconsult.demo.signers import enrol_signers
from teleconsult.objects import Objects
from teleconsult.settings import Settings

log = structlog.get_logger(__name__)


async def seed_demo(sessions: Sessions, settings: Settings, objects: Objects) -> None:
    """Add the demonstration; does nothing where one of its accounts exists."""
    async with transaction(sessions) as session:
        known = select(Account.id).where(func.lower(Account.email).in_(ACCOUNTS)).limit(1)
        if await session.scalar(known) is not None:
            return
        await add_people(session)
        await enrol_signers(session, settings)
