"""Bearer tokens for machines (RFC 6750, in the form of RFC 9068): one role at one establishment, for named purposes.

The token itself is not kept. Its row says whose it is, for what and until when; taking that back ends the token at
the next request.
"""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import Permission, Purpose, may, require, rows
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account, IssuedToken
from teleconsult.accounts.sessions import actor_of_role, first_role
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.accounts.token_keys import LONGEST, BadToken, sign, verify
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid, NotFound
from teleconsult.events import tell
from teleconsult.sealing import Sealer

TYPE: Final = "at+jwt"
AUDIENCE: Final = "teleconsult"
LONGEST_MINUTES: Final = int(LONGEST.total_seconds() // 60)
LONGEST_LABEL: Final = 100
MOST: Final = 200
EVERY_PURPOSE: Final = frozenset(Purpose)

_CARRIED: Final = (
    select(IssuedToken, Account, PractitionerRole)
    .join(Account, Account.id == IssuedToken.account_id)
    .join(PractitionerRole, PractitionerRole.id == IssuedToken.practitioner_role_id)
    .where(
        IssuedToken.id == bindparam("jti"),
        IssuedToken.revoked_at.is_(None),
        IssuedToken.expires_at > bindparam("moment"),
        Account.disabled_at.is_(None),
        PractitionerRole.ended_at.is_(None),
    )
    .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
)
"""A token's row with whose it is, while all of it is good. Every request of a machine asks it: made once."""


async def issue_token(
    session: AsyncSession,
    sealer: Sealer,
    actor: Actor,
    *,
    role_id: uuid.UUID,
    purposes: Iterable[Purpose] = EVERY_PURPOSE,
    minutes: int = 60,
    label: str = "",
) -> str:
    """A token that acts in that role alone, for `purposes` alone, for `minutes` (at most a day).

    People make tokens for their own role in force, having just proved who they are; the command line for anybody's:
    who administers an establishment does not thereby read its files. Raises StepUpNeeded, Invalid, and NotFound for
    a role that is not theirs, has ended or has no account.
    """
    if not actor.is_system:
        require(actor, Permission.OWN_ACCOUNT)
        if actor.role_id != role_id:
            raise NotFound
        require_fresh(actor)
    scope = " ".join(sorted(set(purposes)))
    if not scope:
        raise Invalid({"purposes": "Choose what the token is for."})
    if minutes < 1:
        raise Invalid({"minutes": "A token is good for one minute at least."})
    found = (
        await session.execute(
            select(Account, PractitionerRole)
            .join(PractitionerRole, PractitionerRole.practitioner_id == Account.practitioner_id)
            .where(PractitionerRole.id == role_id, PractitionerRole.ended_at.is_(None), Account.disabled_at.is_(None))
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    account, role = found
    life = timedelta(minutes=min(minutes, LONGEST_MINUTES))
    kept = IssuedToken(
        id=uuid.uuid4(),
        account_id=account.id,
        practitioner_role_id=role.id,
        organization_id=role.organization_id,
        scope=scope,
        label=label.strip()[:LONGEST_LABEL],
        created_by_id=actor.role_id,
        created_at=now(),
        expires_at=now() + life,
    )
    session.add(kept)
    audit.record(session, actor, "token-issued", kept, account=account.id, scope=scope, minutes=minutes)
    await session.flush()
    await act_as(session, SYSTEM)  # the keys are nobody else's to read
    token = await sign(session, sealer, typ=TYPE, audience=AUDIENCE, life=life, claims=_claims(kept))
    await act_as(session, actor)
    return token


async def actor_for_bearer(session: AsyncSession, token: str) -> Actor:
    """Who carries this token: its role and nothing more, narrowed to its purposes.

    Raises BadToken when anything about it is not exactly as we issue it, when it was revoked, when its role has ended
    or its account was disabled.
    """
    claims = await verify(session, token, typ=TYPE, audience=AUDIENCE)
    found = (await session.execute(_CARRIED, {"jti": _id_in(claims["jti"]), "moment": now()})).one_or_none()
    if found is None:
        raise BadToken(is_ours=True)
    kept, account, role = found
    if any(claims.get(name) != value for name, value in _claims(kept).items()):
        raise BadToken(is_ours=True)
    return actor_of_role(account, role, token=kept)


async def role_of_account(session: AsyncSession, *, email: str, role: str = "") -> uuid.UUID:
    """The role a token for the account acts in: the one it starts in, or the one of that code or id.

    Raises NotFound for an unknown account or role, Invalid where the code fits roles at several establishments.
    """
    account = await session.scalar(
        select(Account).where(func.lower(Account.email) == email.strip().lower(), Account.disabled_at.is_(None))
    )
    if account is None:
        raise NotFound("There is no such account.")
    if not role:
        first = await first_role(session, account)
        if first is None:
            raise NotFound("This account has no role at an establishment.")
        return first.id
    found = await session.scalars(
        select(PractitionerRole).where(
            PractitionerRole.practitioner_id == account.practitioner_id, PractitionerRole.ended_at.is_(None)
        )
    )
    fitting = [one.id for one in found if role in (one.code, str(one.id))]
    if not fitting:
        raise NotFound("This account has no such role.")
    if len(fitting) > 1:
        raise Invalid({"": "This account has the role at several establishments: give the id of one."})
    return fitting[0]


async def tokens_of_establishment(session: AsyncSession, actor: Actor) -> list[IssuedToken]:
    """The tokens that act here and have not run out, revoked ones too, newest first, 200 at most.

    Each has its `role` loaded, with the practitioner. Administrators only.
    """
    require(actor, Permission.ADMINISTRATION)
    found = await session.scalars(
        select(IssuedToken)
        .where(rows.tokens_of_house(actor), IssuedToken.expires_at > now())
        .order_by(IssuedToken.created_at.desc(), IssuedToken.id)
        .limit(MOST)
        .options(joinedload(IssuedToken.role).joinedload(PractitionerRole.practitioner))
    )
    return list(found)


async def own_tokens(session: AsyncSession, actor: Actor) -> list[IssuedToken]:
    """The actor's own tokens that are good now, for all their roles, newest first; role and organization loaded."""
    require(actor, Permission.OWN_ACCOUNT)
    found = await session.scalars(
        select(IssuedToken)
        .where(
            rows.own_tokens(actor),
            IssuedToken.expires_at > now(),
            IssuedToken.revoked_at.is_(None),
        )
        .order_by(IssuedToken.created_at.desc(), IssuedToken.id)
        .limit(MOST)
        .options(joinedload(IssuedToken.role).joinedload(PractitionerRole.organization))
    )
    return list(found)


async def revoke_token(session: AsyncSession, actor: Actor, *, token_id: uuid.UUID) -> None:
    """End a token at once: one's own, or as an administrator any of the establishment's. Twice is as good as once.

    Raises NotFound for all others.
    """
    kept = await session.get(IssuedToken, token_id, with_for_update=True)
    if kept is None or not _may_revoke(actor, kept):
        raise NotFound
    if kept.revoked_at is not None:
        return
    kept.revoked_at = now()
    audit.record(session, actor, "token-revoked", kept)
    await tell(session, "TokenRevoked", token=kept.id)


def _may_revoke(actor: Actor, kept: IssuedToken) -> bool:
    is_own = may(actor, Permission.OWN_ACCOUNT) and kept.account_id == actor.account_id
    return is_own or (may(actor, Permission.ADMINISTRATION) and kept.organization_id == actor.organization_id)


def _claims(kept: IssuedToken) -> dict[str, str]:
    return {
        "jti": str(kept.id),
        "sub": str(kept.account_id),
        "role": str(kept.practitioner_role_id),
        "org": str(kept.organization_id),
        "scope": kept.scope,
    }


def _id_in(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise BadToken(is_ours=True) from error
