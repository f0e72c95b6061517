"""Ending sessions and tokens from outside them: by an administrator, or as a role, a password, an account is over."""

from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import IssuedToken, WebSession
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


async def end_tokens(session: AsyncSession, *which: ColumnElement[bool]) -> int:
    """Revoke every token that `which` says; sockets that came by one are dropped like those of sessions."""
    revoked = await session.scalars(
        update(IssuedToken)
        .where(IssuedToken.revoked_at.is_(None), *which)
        .values(revoked_at=now())
        .returning(IssuedToken.id)
        .execution_options(synchronize_session=False)
    )
    ids = list(revoked)
    for token_id in ids:
        await tell(session, "TokenRevoked", token=token_id)
    return len(ids)
