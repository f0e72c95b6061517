"""Signing in with a passkey alone: it says who one is, and it is two factors at once."""

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.entering import SignedIn, Visit, enter
from teleconsult.accounts.limits import Door, attempt, forgive
from teleconsult.accounts.models import Account, SecretPurpose
from teleconsult.accounts.passkey_proofs import METHODS, Fault, fault_of, find_passkey, read_answer, take_asked
from teleconsult.accounts.refusing import record_refused
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid
from teleconsult.settings import Settings


async def sign_in_with_passkey(
    sessions: Sessions, settings: Settings, *, answer: str, browser: str, visit: Visit
) -> SignedIn:
    """Check the answer to what `browser` was asked, and open a session.

    Raises Invalid with the same words whatever is wrong (the audit log says what), and TooMany as `limits.attempt`
    does: tries with one passkey count apart, since nobody else can make them. The try and the end of the challenge
    are kept in a transaction of their own, whatever comes after.
    """
    read = read_answer(answer)
    async with transaction(sessions, SYSTEM) as session:
        passkey = await find_passkey(session, read)
        account = await session.get_one(Account, passkey.account_id) if passkey else None
        attempt_id = await attempt(
            session,
            settings,
            door=Door.PASSKEY,
            address=visit.address,
            email=account.email if account else None,
            known=read.credential_hash if read and account else None,
        )
        was_asked = await take_asked(session, read, purpose=SecretPurpose.PASSKEY_SIGN_IN, holder=browser)
    async with transaction(sessions, SYSTEM) as session:
        passkey = await find_passkey(session, read)
        account = await session.get_one(Account, passkey.account_id) if passkey else None
        fault = fault_of(settings, passkey, read, was_asked=was_asked)
        if account is not None and fault is None and account.disabled_at is None:
            entry = await enter(session, settings, account, methods=METHODS, visit=visit)
            if isinstance(entry, SignedIn):
                await forgive(session, attempt_id)
                return entry
        else:
            action = "passkey-copied" if fault is Fault.COUNT else "sign-in-failed"
            await record_refused(session, account, action, visit=visit, reason=fault or "disabled")
    raise Invalid({"": "This passkey is not accepted here. Sign in another way, or ask your administrator."})
