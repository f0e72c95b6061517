"""The way in of who is new: a mailed link, bound to the first browser that begins, and a password chosen there.

No password is ever mailed, and nobody but its owner ever knows it.
"""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, may
from teleconsult.accounts import one_time
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.choosing import demand_of, hash_of_choice, keep_choice
from teleconsult.accounts.entering import Entry, Visit, admitted, enter
from teleconsult.accounts.models import Account, SecretPurpose
from teleconsult.accounts.one_time import Link, followed
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound, Refused
from teleconsult.jobs import defer
from teleconsult.messages.jobs import mail_secret
from teleconsult.settings import Settings


async def invite_account(session: AsyncSession, actor: Actor, settings: Settings, *, account_id: uuid.UUID) -> None:
    """Have the account's owner mailed a link, good for 7 days; the one before is void.

    Whose account the actor may invite, the caller has asked. Raises NotFound for who administers nothing and for an
    unknown account, Refused once it has a password or is disabled.
    """
    if not (may(actor, Permission.ADMINISTRATION) or may(actor, Permission.NETWORK)):
        raise NotFound
    account = await session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise NotFound
    if account.disabled_at is not None:
        raise Refused("This account is disabled. Enable it first.")
    if account.password_hash is not None:
        raise Refused("This person has chosen a password already. They can ask for a new one where they sign in.")
    await one_time.spend_all(session, account.id, SecretPurpose.INVITATION)
    kept = await one_time.keep(session, SecretPurpose.INVITATION, account_id=account.id)
    await defer(session, mail_secret, secret_id=str(kept.id))
    audit.record(session, actor, "invitation-sent", account)


async def begin_invitation(sessions: Sessions, *, token: str) -> str:
    """Bind the link to the browser that begins: what its cookie is to hold. Raises Refused where it is not good.

    A step of its own: what merely looks at links in mails, as scanners do, binds nothing.
    """
    async with transaction(sessions, SYSTEM) as session:
        kept = await one_time.behind_link(session, SecretPurpose.INVITATION, token)
        if kept is None or kept.browser_hash is not None:
            raise _refused()
        browser = one_time.new_token()
        kept.browser_hash = one_time.token_hash(browser)
        audit.record(session, SYSTEM, "invitation-opened", kept, account=kept.account_id)
    return browser


async def is_begun(sessions: Sessions, *, link: Link) -> bool:
    """Whether this browser has begun with the link. Raises Refused where another has, or it is not good."""
    async with transaction(sessions, SYSTEM) as session:
        kept = await one_time.behind_link(session, SecretPurpose.INVITATION, link.token)
        if kept is None or (kept.browser_hash is not None and not one_time.is_of_browser(kept, link.browser)):
            raise _refused()
        return kept.browser_hash is not None


async def accept_invitation(sessions: Sessions, settings: Settings, *, link: Link, new: str, visit: Visit) -> Entry:
    """Keep the first password of who was invited, and sign them in.

    Raises Refused where the link is not good in this browser, Invalid on field `new`; the link stays good then.
    """
    async with transaction(sessions, SYSTEM) as session:
        demand = await demand_of(session, await _followed(session, link))
    password_hash = await hash_of_choice(demand, new=new)
    async with transaction(sessions, SYSTEM) as session:
        account = await _followed(session, link)
        await keep_choice(session, settings, SYSTEM, account, password_hash=password_hash)
        audit.record(session, SYSTEM, "invitation-accepted", account)
        entry = await enter(session, settings, account, methods="pwd", visit=visit)
    return admitted(entry)


async def _followed(session: AsyncSession, link: Link) -> Account:
    account = await followed(session, SecretPurpose.INVITATION, link)
    if account is None:
        raise _refused()
    return account


def _refused() -> Refused:
    return Refused(
        "This invitation is good for 7 days, once, in the first browser that opens it."
        " Ask your administrator for another one."
    )
