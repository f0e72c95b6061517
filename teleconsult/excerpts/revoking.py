"""Ending what an excerpt shows: at once, or a set time after its consult closed."""

import uuid
from datetime import timedelta

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.answering import checked_reason
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import Refused
from teleconsult.events import tell
from teleconsult.excerpts.models import Excerpt


async def revoke_excerpt(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: str) -> ServiceRequest:
    """The requester takes back what they shared: no specialist reads it, or its images, from now on.

    The consult goes on. Raises NotFound, Forbidden for anybody but who asked, Invalid without a reason, Refused when
    it is not shared any more.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.REVOKE_EXCERPT)
    if not await stop_sharing(session, actor, consult_id=consult.id, reason=checked_reason(reason)):
        raise Refused("This excerpt is not shared any more.")
    audit.record(session, actor, "excerpt-revoked", consult, patient_id=consult.patient_id)
    await tell_consult(session, "ConsultExcerptRevoked", consult)
    await tell(session, "AccessChanged", consult=consult.id)
    return consult


async def stop_sharing(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: str) -> bool:
    """Share no version of the consult's excerpt any longer; whether one was. Part of the act that audits it."""
    stopped = await session.scalars(
        update(Excerpt)
        .where(
            Excerpt.service_request_id == consult_id,
            Excerpt.revoked_at.is_(None),
            or_(Excerpt.expires_at.is_(None), Excerpt.expires_at > now()),
        )
        .values(revoked_at=now(), revoked_by_id=actor.role_id, revoke_reason=reason)
        .returning(Excerpt.id)
    )
    return bool(stopped.all())


async def let_expire(session: AsyncSession, *, consult_id: uuid.UUID, after: timedelta) -> None:
    """The consult closes: its excerpt can be read for so long yet. Part of the act that closes it."""
    await session.execute(
        update(Excerpt).where(Excerpt.service_request_id == consult_id).values(expires_at=now() + after)
    )
