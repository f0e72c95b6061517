"""Step-up: proving once more who one is, before an act that binds."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.limits import Door, attempt, forgive
from teleconsult.accounts.models import Account
from teleconsult.accounts.passwords import is_password
from teleconsult.accounts.sessions import renew_session
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, StepUpNeeded, Unauthenticated
from teleconsult.settings import Settings

FRESH_FOR: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows of themselves: one of these."""

    password: str = ""


def require_fresh(actor: Actor) -> None:
    """Raise StepUpNeeded unless the actor proved who they are within the last 2 minutes; a machine never did."""
    if actor.factor_at is None or now() - actor.factor_at > FRESH_FOR:
        raise StepUpNeeded


async def confirm(sessions: Sessions, settings: Settings, actor: Actor, *, proof: Proof, address: str) -> str:
    """Check what the actor shows: how they proved themselves, as RFC 8176 names it.

    Raises Invalid on the field of a proof that does not hold, and TooMany. A wrong one is kept and audited in
    transactions of their own.
    """
    async with transaction(sessions, SYSTEM) as session:
        account = await session.get_one(Account, actor.account_id)
        attempt_id = await attempt(session, settings, door=Door.STEP_UP, email=account.email, address=address)
    fits = await is_password(proof.password, account.password_hash)
    async with transaction(sessions, SYSTEM) as session:
        if fits:
            await forgive(session, attempt_id)
            return "pwd"
        audit.record(session, actor, "step-up-failed", account, outcome="denied", address=address)
    raise Invalid({"password": "This is not your password."})


async def step_up(
    sessions: Sessions, settings: Settings, actor: Actor, *, proof: Proof, address: str
) -> tuple[Actor, str]:
    """Begin the session anew with a factor just shown: the actor and the new cookie's token. Raises as `confirm`."""
    methods = await confirm(sessions, settings, actor, proof=proof, address=address)
    async with transaction(sessions, SYSTEM) as session:
        renewed = await renew_session(session, actor, fresh=methods)
        if renewed is None:
            raise Unauthenticated("Your session is over. Sign in again.")
        audit.record(session, renewed[0], "stepped-up", methods=methods, address=address)
    return renewed
