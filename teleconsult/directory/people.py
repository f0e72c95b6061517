"""What an administrator may do about the account of somebody who works at their establishment.

An account is one person's, at all their establishments. What touches it whole (disabling it, taking its second
factor away) is for an administrator of all of it: where they work elsewhere too, only the roles here can be ended.
"""

import uuid

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import sessions_of_house
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.ending import end_sessions
from teleconsult.accounts.models import Account, Passkey, RecoveryCode, Totp, WebSession
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import PractitionerRole
from teleconsult.directory.roles import ASSIGNABLE, practitioner_here, refuse_oneself
from teleconsult.documents.letters import LetterKind
from teleconsult.encounters.colleagues import end_passes
from teleconsult.errors import NotFound, Refused
from teleconsult.events import tell
from teleconsult.messages.jobs import notify


async def disable_account(session: AsyncSession, actor: Actor, *, practitioner_id: uuid.UUID) -> None:
    """Close an account: every session of it ends, on every page and in every call.

    Raises StepUpNeeded, NotFound, Forbidden for oneself, Refused where it is closed, or is not only this
    establishment's to close.
    """
    account = await _account_wholly_here(session, actor, practitioner_id)
    if account.disabled_at is not None:
        raise Refused("This account is disabled already.")
    account.disabled_at = now()
    await end_sessions(session, WebSession.account_id == account.id)
    theirs = select(PractitionerRole.id).where(PractitionerRole.practitioner_id == practitioner_id)
    await end_passes(session, actor, (await session.scalars(theirs)).all())
    audit.record(session, actor, "account-disabled", account, practitioner=practitioner_id)
    await tell(session, "AccessChanged", account=account.id)
    await session.flush()


async def enable_account(session: AsyncSession, actor: Actor, *, practitioner_id: uuid.UUID) -> None:
    """Open an account again. Raises as `disable_account` does."""
    account = await _account_wholly_here(session, actor, practitioner_id)
    if account.disabled_at is None:
        raise Refused("This account is not disabled.")
    account.disabled_at = None
    audit.record(session, actor, "account-enabled", account, practitioner=practitioner_id)
    await session.flush()


async def reset_second_factor(session: AsyncSession, actor: Actor, *, practitioner_id: uuid.UUID) -> None:
    """Take away the application, the recovery codes and the passkeys of who lost them; their sessions end.

    The person is told by mail. Raises as `disable_account` does, Refused where there is nothing to take away.
    """
    account = await _account_wholly_here(session, actor, practitioner_id)
    await act_as(session, SYSTEM)  # what somebody signs in with is theirs alone to see
    gone = [
        *await session.scalars(delete(Totp).where(Totp.account_id == account.id).returning(Totp.id)),
        *await session.scalars(
            update(Passkey)
            .where(Passkey.account_id == account.id, Passkey.revoked_at.is_(None))
            .values(revoked_at=now())
            .returning(Passkey.id)
        ),
    ]
    await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    await act_as(session, actor)
    if not gone:
        raise Refused("This account has no second factor.")
    await end_sessions(session, WebSession.account_id == account.id)
    audit.record(session, actor, "factors-reset", account, practitioner=practitioner_id)
    await tell(session, "AccessChanged", account=account.id)
    await notify(session, account.id, LetterKind.FACTORS_CHANGED)
    await session.flush()


async def end_sessions_here(session: AsyncSession, actor: Actor, *, practitioner_id: uuid.UUID) -> int:
    """End somebody's sessions in their roles here; the number of them. Raises NotFound."""
    practitioner = await practitioner_here(session, actor, practitioner_id)
    theirs = select(Account.id).where(Account.practitioner_id == practitioner.id)
    ended = await end_sessions(session, WebSession.account_id.in_(theirs), sessions_of_house(actor))
    audit.record(session, actor, "sessions-ended", practitioner, sessions=ended)
    return ended


async def end_session_here(session: AsyncSession, actor: Actor, *, session_id: uuid.UUID) -> None:
    """End one session in a role here. Raises NotFound for others' and for what is over."""
    require(actor, Permission.ADMINISTRATION)
    kept = await session.scalar(
        select(WebSession).where(WebSession.id == session_id, WebSession.ended_at.is_(None), sessions_of_house(actor))
    )
    if kept is None:
        raise NotFound
    await end_sessions(session, WebSession.id == kept.id)
    audit.record(session, actor, "session-ended", kept, account=kept.account_id)


async def works_elsewhere(session: AsyncSession, actor: Actor, practitioner_id: uuid.UUID) -> bool:
    """Whether somebody has a role now that is not the establishment's: at another one, or for the whole network."""
    role = await session.scalar(
        select(PractitionerRole.id)
        .where(
            PractitionerRole.practitioner_id == practitioner_id,
            or_(
                PractitionerRole.organization_id != actor.organization_id,
                PractitionerRole.code.not_in(ASSIGNABLE),
            ),
            PractitionerRole.ended_at.is_(None),
        )
        .limit(1)
    )
    return role is not None


async def _account_wholly_here(session: AsyncSession, actor: Actor, practitioner_id: uuid.UUID) -> Account:
    practitioner = await practitioner_here(session, actor, practitioner_id)
    require_fresh(actor)
    refuse_oneself(actor, practitioner)
    account = await session.scalar(select(Account).where(Account.practitioner_id == practitioner.id).with_for_update())
    if account is None:
        raise NotFound
    if await works_elsewhere(session, actor, practitioner.id):
        raise Refused(
            "This person also works at another establishment or for the network. End their roles here instead."
        )
    return account
