"""A new password for who forgot theirs: by a mailed link, from the browser that asked for it."""

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts import one_time
from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.choosing import Demand, demand_of, hash_of_choice, keep_choice
from teleconsult.accounts.entering import Entry, Visit, account_at, admitted, enter
from teleconsult.accounts.limits import Door, account_hash, attempt
from teleconsult.accounts.models import Account, SecretPurpose
from teleconsult.accounts.one_time import Link, followed
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Refused
from teleconsult.jobs import defer
from teleconsult.messages.jobs import mail_secret
from teleconsult.settings import Settings


async def ask_for_reset(sessions: Sessions, settings: Settings, *, email: str, visit: Visit) -> str:
    """Have a link mailed to whom the address belongs: what the browser's cookie is to hold.

    The same rows, the same job and the same answer where it belongs to nobody. Asking counts as a try. Raises TooMany.
    """
    async with transaction(sessions, SYSTEM) as session:
        await attempt(session, settings, door=Door.RESET, email=email, address=visit.address, device=visit.device)
        account = await account_at(session, email)
        browser = one_time.new_token()
        kept = await one_time.keep(
            session,
            SecretPurpose.PASSWORD_RESET,
            account_id=account.id if account else None,
            browser=browser,
            whose=account_hash(settings, email),
        )
        await defer(session, mail_secret, secret_id=str(kept.id))
        audit.record(session, None, "password-reset-asked", account, address=visit.address)
    return browser


async def reset_demand(sessions: Sessions, *, link: Link) -> Demand:
    """What the new password must be. Uses nothing up. Raises Refused where the link is not good in this browser."""
    async with transaction(sessions, SYSTEM) as session:
        return await demand_of(session, await _followed(session, link))


async def reset_password(sessions: Sessions, settings: Settings, *, link: Link, new: str, visit: Visit) -> Entry:
    """Take the link, keep the new password, end every session: then there is one, or a second factor is awaited.

    Raises Refused where the link is not good in this browser, Invalid on field `new`; the link stays good then.
    """
    password_hash = await hash_of_choice(await reset_demand(sessions, link=link), new=new)
    async with transaction(sessions, SYSTEM) as session:
        account = await _followed(session, link)
        await keep_choice(session, settings, SYSTEM, account, password_hash=password_hash)
        entry = await enter(session, settings, account, methods="pwd", visit=visit)
    return admitted(entry)


async def _followed(session: AsyncSession, link: Link) -> Account:
    account = await followed(session, SecretPurpose.PASSWORD_RESET, link)
    if account is None:
        raise Refused(
            "This link is good for 30 minutes, once, in the browser where you asked for it. Ask for a new one."
        )
    return account
