"""Ending sessions from outside them: an administrator's, or because a role or an account is over."""

from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import WebSession
from teleconsult.clock import now
from teleconsult.events import tell


async def end_sessions(session: AsyncSession, *which: ColumnElement[bool]) -> int:
    """End every open session that `which` says; their sockets are dropped by those who hear `SessionEnded`."""
    ended = await session.scalars(
        update(WebSession)
        .where(WebSession.ended_at.is_(None), *which)
        .values(ended_at=now())
        .returning(WebSession.id)
        .execution_options(synchronize_session=False)
    )
    ids = list(ended)
    for session_id in ids:
        await tell(session, "SessionEnded", session=session_id)
    return len(ids)
