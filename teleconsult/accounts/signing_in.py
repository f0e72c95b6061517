"""Signing in and out, and the actor behind a cookie. The cookie's token is random; only its SHA-256 is kept."""

import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account, SignInAttempt, WebSession
from teleconsult.accounts.passwords import is_password
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid, TooMany
from teleconsult.events import tell
from teleconsult.sealing import derived_key
from teleconsult.settings import Settings

WINDOW = timedelta(minutes=15)
WRONG_PER_ACCOUNT = 10
WRONG_PER_ADDRESS = 50
SEEN_EVERY = timedelta(minutes=1)


async def sign_in(
    sessions: Sessions, settings: Settings, *, email: str, password: str, address: str, user_agent: str = ""
) -> tuple[Actor, str]:
    """Check the password, open a session: the actor and the cookie's token.

    Raises Invalid with the same words whether the account is unknown, disabled or the password wrong;
    TooMany after 10 wrong tries for one account or 50 from one address within 15 minutes.
    The attempt is kept in a transaction of its own, whatever comes after.
    """
    email = email.strip().lower()
    async with transaction(sessions) as session:
        attempt_id = await _attempt(session, settings, email, address)
        account = await session.scalar(
            select(Account).where(func.lower(Account.email) == email, Account.disabled_at.is_(None))
        )
    fits = await is_password(password, account.password_hash if account else None)
    async with transaction(sessions) as session:
        if not fits or account is None:
            audit.record(session, None, "sign-in-failed", account, outcome="denied", address=address)
            failure = Invalid({"": "The e-mail address or the password is not right."})
        else:
            await _forgive(session, attempt_id)
            role = await first_role(session, account)
            if role is None:
                failure = Invalid({"": "This account has no role at an establishment. Ask your administrator."})
            else:
                web_session, token = _open_session(settings, account, role, user_agent)
                session.add(web_session)
                actor = actor_of_role(account, role, session_id=web_session.id)
                audit.record(session, actor, "signed-in", account, address=address)
                return actor, token
    raise failure


async def actor_for_cookie(session: AsyncSession, settings: Settings, token: str) -> Actor | None:
    """Who holds this cookie: None when it is unknown, ended, idle too long, or the account is disabled."""
    moment = now()
    web_session = await session.scalar(
        select(WebSession)
        .where(WebSession.token_hash == _hash(token), WebSession.ended_at.is_(None), WebSession.expires_at > moment)
        .options(
            joinedload(WebSession.account),
            joinedload(WebSession.role).joinedload(PractitionerRole.practitioner),
            joinedload(WebSession.role).joinedload(PractitionerRole.organization),
        )
    )
    if web_session is None or web_session.account.disabled_at or web_session.role.ended_at:
        return None
    if moment - web_session.last_seen_at > timedelta(minutes=settings.session_idle_minutes):
        return None
    if moment - web_session.last_seen_at > SEEN_EVERY:
        await session.execute(update(WebSession).where(WebSession.id == web_session.id).values(last_seen_at=moment))
    return actor_of_role(web_session.account, web_session.role, session_id=web_session.id)


async def is_session_open(session: AsyncSession, session_id: uuid.UUID) -> bool:
    """Whether a session that was good is good still; sockets ask, since they outlive the request that opened them."""
    return bool(
        await session.scalar(
            select(WebSession.id)
            .join(WebSession.account)
            .join(WebSession.role)
            .where(
                WebSession.id == session_id,
                WebSession.ended_at.is_(None),
                WebSession.expires_at > now(),
                Account.disabled_at.is_(None),
                PractitionerRole.ended_at.is_(None),
            )
        )
    )


async def sign_out(session: AsyncSession, actor: Actor) -> None:
    """End the actor's session; its sockets are dropped by those who hear `SessionEnded`."""
    await session.execute(
        update(WebSession)
        .where(WebSession.id == actor.session_id, WebSession.ended_at.is_(None))
        .values(ended_at=now())
    )
    audit.record(session, actor, "signed-out")
    await tell(session, "SessionEnded", session=actor.session_id)


async def confirm_password(
    sessions: Sessions, settings: Settings, actor: Actor, *, password: str, address: str
) -> None:
    """The password once more, before an act that binds (signing). Raises Invalid on field `password`, or TooMany."""
    async with transaction(sessions) as session:
        account = await session.get_one(Account, actor.account_id)
        attempt_id = await _attempt(session, settings, account.email.lower(), address)
    fits = await is_password(password, account.password_hash)
    async with transaction(sessions) as session:
        if fits:
            await _forgive(session, attempt_id)
        else:
            audit.record(session, actor, "step-up-failed", account, outcome="denied")
    if not fits:
        raise Invalid({"password": "This is not your password."})


async def set_locale(session: AsyncSession, actor: Actor, *, locale: str) -> None:
    """Keep the language the person chose."""
    await session.execute(update(Account).where(Account.id == actor.account_id).values(locale=locale))


def actor_of_role(account: Account, role: PractitionerRole, *, session_id: uuid.UUID | None = None) -> Actor:
    """The actor of `account` in `role`; `role` has its practitioner and organization loaded."""
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
        session_id=session_id,
    )


async def first_role(session: AsyncSession, account: Account) -> PractitionerRole | None:
    """The role an account starts in, with practitioner and organization loaded."""
    return await session.scalar(
        select(PractitionerRole)
        .where(PractitionerRole.practitioner_id == account.practitioner_id, PractitionerRole.ended_at.is_(None))
        .order_by(PractitionerRole.id)
        .limit(1)
        .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
    )


async def _attempt(session: AsyncSession, settings: Settings, email: str, address: str) -> uuid.UUID:
    """Keep an attempt, as a wrong one until the password is known to fit: many at once count like one by one.

    Raises TooMany. Attempts for one account, or from one address, take turns here.
    """
    for what in (f"sign-in of {email}", f"sign-in from {address}"):
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))
    await _refuse_when_too_many(session, settings, email, address)
    attempt = SignInAttempt(
        id=uuid.uuid4(),
        email_hash=_email_hash(settings, email),
        address=address,
        attempted_at=now(),
        succeeded=False,
    )
    session.add(attempt)
    return attempt.id


async def _forgive(session: AsyncSession, attempt_id: uuid.UUID) -> None:
    await session.execute(update(SignInAttempt).where(SignInAttempt.id == attempt_id).values(succeeded=True))


async def _refuse_when_too_many(session: AsyncSession, settings: Settings, email: str, address: str) -> None:
    wrong = select(func.count()).where(SignInAttempt.attempted_at > now() - WINDOW, SignInAttempt.succeeded.is_(False))
    of_account = await session.scalar(wrong.where(SignInAttempt.email_hash == _email_hash(settings, email))) or 0
    of_address = await session.scalar(wrong.where(SignInAttempt.address == address)) or 0
    if of_account >= WRONG_PER_ACCOUNT or of_address >= WRONG_PER_ADDRESS:
        raise TooMany(
            "Too many attempts. Wait %(minutes)s minutes, or ask your administrator.",
            retry_after=int(WINDOW.total_seconds()),
            minutes=int(WINDOW.total_seconds() // 60),
        )


def _email_hash(settings: Settings, email: str) -> bytes:
    return hmac.digest(derived_key(settings.secret_key, "sign-in attempts"), email.encode(), "sha256")


def _open_session(
    settings: Settings, account: Account, role: PractitionerRole, user_agent: str
) -> tuple[WebSession, str]:
    token, moment = secrets.token_urlsafe(32), now()
    return WebSession(
        id=uuid.uuid4(),
        token_hash=_hash(token),
        account_id=account.id,
        practitioner_role_id=role.id,
        created_at=moment,
        last_seen_at=moment,
        expires_at=_end(moment, settings),
        user_agent=user_agent[:200],
    ), token


def _end(moment: datetime, settings: Settings) -> datetime:
    return moment + timedelta(hours=settings.session_hours)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
