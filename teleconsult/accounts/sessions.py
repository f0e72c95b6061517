"""The sessions browsers hold: kept by us, under the SHA-256 of a random token that only the cookie has.

Every change of what a session may do (another role, a fresh factor) ends it and opens the next: a token that leaked
before is worth nothing after.
"""

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account, IssuedToken, WebSession
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Unauthenticated
from teleconsult.events import tell
from teleconsult.settings import Settings

SEEN_EVERY: Final = timedelta(minutes=1)

_OTHER, _ACCOUNT = aliased(PractitionerRole), aliased(Account)
_HELD: Final = (
    select(
        WebSession,
        exists().where(
            _ACCOUNT.id == WebSession.account_id,
            _OTHER.practitioner_id == _ACCOUNT.practitioner_id,
            _OTHER.id != WebSession.practitioner_role_id,
            _OTHER.ended_at.is_(None),
        ),
    )
    .where(
        WebSession.token_hash == bindparam("token_hash"),
        WebSession.ended_at.is_(None),
        WebSession.expires_at > bindparam("moment"),
    )
    .options(
        joinedload(WebSession.account),
        joinedload(WebSession.role).joinedload(PractitionerRole.practitioner),
        joinedload(WebSession.role).joinedload(PractitionerRole.organization),
    )
)
"""A cookie's session, and whether the account has roles besides the one in force. Every request asks it: made once."""


def open_session(
    session: AsyncSession,
    settings: Settings,
    account: Account,
    role: PractitionerRole,
    *,
    methods: str,
    address: str,
    user_agent: str = "",
) -> tuple[Actor, str]:
    """A new session for who has just proved to be the account's owner: the actor and the cookie's token.

    `methods` says how, as RFC 8176 names it. `role` has its practitioner and organization loaded.
    """
    moment = now()
    return _added(
        session,
        account,
        role,
        WebSession(
            created_at=moment,
            factor_at=moment,
            expires_at=moment + timedelta(hours=settings.session_hours),
            methods=methods,
            address=address,
            user_agent=user_agent[:200],
        ),
    )


async def renew_session(
    session: AsyncSession, actor: Actor, *, role_id: uuid.UUID | None = None, fresh: str = ""
) -> tuple[Actor, str] | None:
    """The same sign-in under a new token: in another role of the account, or with a factor just shown (`fresh`).

    In another role it is another session, and the old one's sockets end with it. In the same role it stays what it is,
    so that who proves themselves to sign a note is not thrown out of the call they are in. It ends when the old one
    would have. None when it is over already, or the role is not the account's.
    """
    old = await session.scalar(
        select(WebSession)
        .where(WebSession.id == actor.session_id, WebSession.ended_at.is_(None))
        .options(joinedload(WebSession.account))
        .with_for_update(of=WebSession)
    )
    if old is None:
        return None
    role = await session.scalar(
        select(PractitionerRole)
        .where(
            PractitionerRole.id == (role_id or old.practitioner_role_id),
            PractitionerRole.practitioner_id == old.account.practitioner_id,
            PractitionerRole.ended_at.is_(None),
        )
        .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
    )
    if role is None:
        return None
    if fresh:
        old.factor_at = now()
        old.methods = " ".join(dict.fromkeys([*old.methods.split(), *fresh.split()]))
    if role.id == old.practitioner_role_id:
        token = secrets.token_urlsafe(32)
        old.token_hash = _hash(token)
        return actor_of_role(old.account, role, web_session=old, has_other_roles=actor.has_other_roles), token
    old.ended_at = now()
    await tell(session, "SessionEnded", session=old.id)
    return _added(
        session,
        old.account,
        role,
        WebSession(
            created_at=old.created_at,
            factor_at=old.factor_at,
            expires_at=old.expires_at,
            methods=old.methods,
            address=old.address,
            user_agent=old.user_agent,
        ),
    )


async def actor_for_cookie(session: AsyncSession, settings: Settings, token: str) -> Actor | None:
    """Who holds this cookie: None when it is unknown, ended, idle too long, or the account or role has ended."""
    held = await held_by_cookie(session, settings, token)
    return held[0] if held is not None else None


async def held_by_cookie(
    session: AsyncSession, settings: Settings, token: str
) -> tuple[Actor, PractitionerRole] | None:
    """The same, with the role in force."""
    moment = now()
    found = await session.execute(_HELD, {"token_hash": _hash(token), "moment": moment})
    web_session, has_other_roles = found.one_or_none() or (None, False)
    if web_session is None or web_session.account.disabled_at or web_session.role.ended_at:
        return None
    if moment - web_session.last_seen_at > timedelta(minutes=settings.session_idle_minutes):
        return None
    if moment - web_session.last_seen_at > SEEN_EVERY:
        await session.execute(update(WebSession).where(WebSession.id == web_session.id).values(last_seen_at=moment))
    role = web_session.role
    return actor_of_role(web_session.account, role, web_session=web_session, has_other_roles=has_other_roles), role


async def require_open_session(session: AsyncSession, actor: Actor) -> None:
    """Raise Unauthenticated where the actor's session is over since the request began: what takes long asks again
    before anything is handed out.
    """
    is_open = await session.scalar(
        select(WebSession.id)
        .join(WebSession.account)
        .join(WebSession.role)
        .where(
            WebSession.id == actor.session_id,
            WebSession.ended_at.is_(None),
            WebSession.expires_at > now(),
            Account.disabled_at.is_(None),
            PractitionerRole.ended_at.is_(None),
        )
    )
    if is_open is None:
        raise Unauthenticated("Your session is over. Sign in again.")


async def sign_out(session: AsyncSession, actor: Actor) -> None:
    """End the actor's session; its sockets are dropped by those who hear `SessionEnded`."""
    await session.execute(
        update(WebSession)
        .where(WebSession.id == actor.session_id, WebSession.ended_at.is_(None))
        .values(ended_at=now())
    )
    audit.record(session, actor, "signed-out")
    await tell(session, "SessionEnded", session=actor.session_id)


def actor_of_role(
    account: Account,
    role: PractitionerRole,
    *,
    web_session: WebSession | None = None,
    token: IssuedToken | None = None,
    has_other_roles: bool = False,
) -> Actor:
    """The actor of `account` in `role`, narrowed by the token they came by, if any.

    `role` has its practitioner and organization loaded.
    """
    return Actor(
        account_id=account.id,
        practitioner_id=role.practitioner_id,
        role_id=role.id,
        organization_id=role.organization_id,
        role=role.code,
        name=role.practitioner.name,
        organization_name=role.organization.name,
        sharing_network=role.organization.sharing_network,
        locale=account.locale or role.organization.locale,
        time_zone=role.organization.time_zone,
        session_id=web_session.id if web_session else None,
        factor_at=web_session.factor_at if web_session else None,
        has_other_roles=has_other_roles,
        token_id=token.id if token else None,
        scope=frozenset(token.scope.split()) if token else None,
    )


async def first_role(session: AsyncSession, account: Account) -> PractitionerRole | None:
    """The role an account starts in: the one last in force, else the oldest. Practitioner and organization loaded."""
    last_in_force = (
        select(func.max(WebSession.last_seen_at))
        .where(WebSession.account_id == account.id, WebSession.practitioner_role_id == PractitionerRole.id)
        .scalar_subquery()
    )
    return await session.scalar(
        select(PractitionerRole)
        .where(PractitionerRole.practitioner_id == account.practitioner_id, PractitionerRole.ended_at.is_(None))
        .order_by(last_in_force.desc().nulls_last(), PractitionerRole.started_at, PractitionerRole.id)
        .limit(1)
        .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
    )


def _added(session: AsyncSession, account: Account, role: PractitionerRole, kept: WebSession) -> tuple[Actor, str]:
    token = secrets.token_urlsafe(32)
    kept.id, kept.token_hash = uuid.uuid4(), _hash(token)
    kept.account_id, kept.practitioner_role_id = account.id, role.id
    kept.last_seen_at = now()
    session.add(kept)
    return actor_of_role(account, role, web_session=kept), token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
