"""News as a test needs it: what was told to whom, and the sending of what would wait a minute."""

import uuid

from sqlalchemy import select, text

from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions, transaction
from teleconsult.messages.models import Notice
from teleconsult.settings import Settings
from tests.mailbox import work


async def told(settings: Settings, sessions: Sessions, occasion: str) -> set[uuid.UUID]:
    """The roles told of this occasion, after the jobs that are due."""
    await work(settings, sessions)
    async with transaction(sessions) as session:
        found = await session.scalars(select(Notice.practitioner_role_id).where(Notice.occasion == occasion))
        return set(found)


async def notices_of(sessions: Sessions, actor: Actor) -> list[Notice]:
    """All of the actor's, oldest first."""
    async with transaction(sessions) as session:
        found = await session.scalars(
            select(Notice).where(Notice.practitioner_role_id == actor.role_id).order_by(Notice.happened_at)
        )
        return list(found)


async def send(settings: Settings, sessions: Sessions) -> None:
    """Do what is due, then at once what would wait."""
    await work(settings, sessions)
    async with transaction(sessions) as session:
        await session.execute(text("update procrastinate_jobs set scheduled_at = null where status = 'todo'"))
    await work(settings, sessions)
