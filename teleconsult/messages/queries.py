"""One's own news: the list, how much of it is new, and having looked."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, exists, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.events import tell
from teleconsult.messages.models import Notice

SHOWN: Final = 100
"""The newest; older ones are in the consults themselves."""
COUNTED: Final = 99
"""A number that large says enough."""


async def own_notices(session: AsyncSession, actor: Actor) -> Sequence[Notice]:
    """The actor's, newest first, each with its consult; of consults they do not see those that bring the number."""
    found = await session.scalars(
        select(Notice)
        .where(rows.notices(actor), _is_shown(actor))
        .options(joinedload(Notice.consult))
        .order_by(Notice.happened_at.desc(), Notice.id)
        .limit(SHOWN)
    )
    return found.all()


async def count_unread(session: AsyncSession, actor: Actor) -> int:
    """How many the actor has not looked at, `COUNTED` at the most."""
    unread = (
        select(Notice.id)
        .where(rows.notices(actor), Notice.read_at.is_(None), _is_shown(actor))
        .limit(COUNTED)
        .subquery()
    )
    return await session.scalar(select(func.count()).select_from(unread)) or 0


async def mark_read(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID | None = None) -> int:
    """The actor has looked at a consult, or at all of their news: how much of it was new."""
    of = Notice.service_request_id == consult_id if consult_id else true()
    looked = await session.scalars(
        update(Notice)
        .where(rows.notices(actor), Notice.read_at.is_(None), of)
        .values(read_at=now())
        .returning(Notice.id)
    )
    count = len(looked.all())
    if count and actor.role_id:
        await tell(session, "NoticeRead", role=actor.role_id)
    return count


def _is_shown(actor: Actor) -> ColumnElement[bool]:
    seen = exists().where(ServiceRequest.id == Notice.service_request_id, rows.consults(actor))
    return or_(Notice.number.is_not(None), seen)
