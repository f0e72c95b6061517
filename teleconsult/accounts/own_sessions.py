"""Where somebody is signed in: each browser, and ending what one does not know or no longer wants."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.ending import end_sessions
from teleconsult.accounts.models import WebSession
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import NotFound
from teleconsult.settings import Settings


async def own_sessions(session: AsyncSession, settings: Settings, actor: Actor) -> Sequence[WebSession]:
    """The actor's open sessions, each with its role and establishment; the last seen first."""
    moment = now()
    found = await session.scalars(
        select(WebSession)
        .where(
            rows.own_sessions(actor),
            WebSession.ended_at.is_(None),
            WebSession.expires_at > moment,
            WebSession.last_seen_at > moment - timedelta(minutes=settings.session_idle_minutes),
        )
        .order_by(WebSession.last_seen_at.desc(), WebSession.id)
        .options(joinedload(WebSession.role).joinedload(PractitionerRole.organization))
    )
    return found.all()


async def end_own_session(session: AsyncSession, actor: Actor, *, session_id: uuid.UUID) -> None:
    """Sign one of the actor's browsers out. Raises NotFound for what is not theirs or has ended."""
    if not await end_sessions(session, WebSession.id == session_id, rows.own_sessions(actor)):
        raise NotFound
    audit.record(session, actor, "session-ended", ended=session_id)


async def end_other_sessions(session: AsyncSession, actor: Actor) -> int:
    """Sign every browser of the actor's out but this one; how many there were."""
    ended = await end_sessions(session, rows.own_sessions(actor), WebSession.id != actor.session_id)
    if ended:
        audit.record(session, actor, "other-sessions-ended", sessions=ended)
    return ended
