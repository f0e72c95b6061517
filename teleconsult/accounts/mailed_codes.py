"""Signing in by a code that is mailed: eight digits, ten minutes, from the browser that asked for it."""

from sqlalchemy import select

from teleconsult import audit
from teleconsult.accounts import one_time
from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.entering import Entry, Visit, account_at, admitted, enter
from teleconsult.accounts.limits import Door, account_hash, attempt, forgive
from teleconsult.accounts.models import Account, SecretPurpose
from teleconsult.accounts.refusing import NOBODYS, record_refused
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid
from teleconsult.jobs import defer
from teleconsult.messages.jobs import mail_secret
from teleconsult.settings import Settings


async def ask_for_code(sessions: Sessions, settings: Settings, *, email: str, visit: Visit) -> str:
    """Have a code mailed to whom the address belongs: what the browser's cookie is to hold.

    The same rows, the same job and the same answer where it belongs to nobody. Asking counts as a try, so that
    nobody's mailbox is filled by a stranger. Raises TooMany.
    """
    async with transaction(sessions, SYSTEM) as session:
        await attempt(session, settings, door=Door.MAILED_CODE, email=email, address=visit.address, device=visit.device)
        account = await account_at(session, email)
        browser = one_time.new_token()
        kept = await one_time.keep(
            session,
            SecretPurpose.SIGN_IN_CODE,
            account_id=account.id if account else None,
            browser=browser,
            whose=account_hash(settings, email),
        )
        await defer(session, mail_secret, secret_id=str(kept.id))
        audit.record(session, None, "sign-in-code-asked", account, address=visit.address)
    return browser


async def sign_in_by_code(sessions: Sessions, settings: Settings, *, browser: str, code: str, visit: Visit) -> Entry:
    """Take the mailed code: a session, or a second factor is awaited.

    Raises Invalid on field `code` with the same words whether it is wrong, used, too old or nobody's, and TooMany.
    Tried wrongly five times it is worth nothing.
    """
    entry: Entry | None = None
    async with transaction(sessions, SYSTEM) as session:
        kept = await one_time.held_by(session, SecretPurpose.SIGN_IN_CODE, browser)
        attempt_id = await attempt(
            session,
            settings,
            door=Door.MAILED_CODE,
            whose=kept.email_hash if kept else None,
            address=visit.address,
            device=visit.device,
        )
        account = None
        if kept is not None and one_time.is_code(settings, kept, code):
            kept.used_at = now()
            account = await session.get(Account, kept.account_id)
        elif kept is not None:
            kept.wrong_tries += 1
        fits = account is not None and account.disabled_at is None
        if account is not None and fits:
            await forgive(session, attempt_id)
            entry = await enter(session, settings, account, methods="email", visit=visit)
        else:
            whose = (kept and kept.account_id) or NOBODYS
            aimed_at = await session.scalar(select(Account).where(Account.id == whose))
            await record_refused(session, aimed_at, "sign-in-failed", visit=visit)
    if not fits:
        raise Invalid({"code": "This code is not right, or no longer good. Look at the newest mail, or ask again."})
    return admitted(entry)
