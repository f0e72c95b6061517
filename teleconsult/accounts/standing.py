"""What the sign-ins behind open sockets are good for now: asked for all of them at once, every few seconds.

A page asks at each request (`sessions.actor_for_cookie`, `tokens`); a socket outlives the request that opened it.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.models import Account, IssuedToken, TokenKey, WebSession
from teleconsult.accounts.sessions import SEEN_EVERY
from teleconsult.clock import now
from teleconsult.db import is_one_of
from teleconsult.directory.models import PractitionerRole, RoleCode, Specialty
from teleconsult.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """The role a sign-in acts in, as it is now."""

    role_id: uuid.UUID
    role: RoleCode
    organization_id: uuid.UUID
    specialty: Specialty | None

    @classmethod
    def of(cls, role: PractitionerRole) -> Self:
        """As a role that was just looked up has it."""
        return cls(role.id, role.code, role.organization_id, role.specialty)


async def open_sessions(
    session: AsyncSession,
    settings: Settings,
    session_ids: Collection[uuid.UUID],
    *,
    in_call: Collection[uuid.UUID] = (),
) -> dict[uuid.UUID, Standing]:
    """Which of these sessions are good now; what is missing has ended, timed out or lost its account or role.

    Those `in_call` are never idle, however long they say nothing to the server (`keep_alive`).
    """
    moment = now()
    is_idle = WebSession.last_seen_at < moment - timedelta(minutes=settings.session_idle_minutes)
    is_good = and_(
        WebSession.ended_at.is_(None),
        WebSession.expires_at > moment,
        or_(~is_idle, is_one_of(WebSession.id, in_call)),
    )
    return await _standings(session, WebSession, session_ids, is_good)


async def good_tokens(session: AsyncSession, token_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Standing]:
    """Which of these bearer tokens are good now, by their ids: not revoked, not expired, account and role in force."""
    is_good = and_(IssuedToken.revoked_at.is_(None), IssuedToken.expires_at > now())
    return await _standings(session, IssuedToken, token_ids, is_good)


async def good_keys(session: AsyncSession, key_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these keys still vouch for their tokens."""
    if not key_ids:
        return set()
    honoured = TokenKey.retired_at.is_(None) | (TokenKey.retired_at > now())
    return set(await session.scalars(select(TokenKey.id).where(TokenKey.id.in_(key_ids), honoured)))


async def keep_alive(session: AsyncSession, session_ids: Collection[uuid.UUID]) -> None:
    """Who sits in a call is not idle, however long they say nothing to the server. `expires_at` counts all the same."""
    if not session_ids:
        return
    moment = now()
    await session.execute(
        update(WebSession)
        .where(
            is_one_of(WebSession.id, session_ids),
            WebSession.ended_at.is_(None),
            WebSession.last_seen_at < moment - SEEN_EVERY,
        )
        .values(last_seen_at=moment)
        .execution_options(synchronize_session=False)
    )


async def _standings(
    session: AsyncSession,
    kind: type[WebSession | IssuedToken],
    ids: Collection[uuid.UUID],
    is_good: ColumnElement[bool],
) -> dict[uuid.UUID, Standing]:
    if not ids:
        return {}
    found = await session.execute(
        select(
            kind.id,
            PractitionerRole.id,
            PractitionerRole.code,
            PractitionerRole.organization_id,
            PractitionerRole.specialty,
        )
        .join(Account, Account.id == kind.account_id)
        .join(PractitionerRole, PractitionerRole.id == kind.practitioner_role_id)
        .where(is_one_of(kind.id, ids), is_good, Account.disabled_at.is_(None), PractitionerRole.ended_at.is_(None))
    )
    return {id: Standing(role_id, code, house, specialty) for id, role_id, code, house, specialty in found}
