"""Step-up: proving once more who one is, before an act that binds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import Exists, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.limits import Door, attempt, forgive
from teleconsult.accounts.models import Account, FederatedIdentity
from teleconsult.accounts.passkey_proofs import METHODS, Fault, passkeys_of, step_up_fault
from teleconsult.accounts.passwords import is_password
from teleconsult.accounts.relying_party import relying_party
from teleconsult.accounts.second_factor import has_second_factor, take_code
from teleconsult.accounts.sessions import renew_session
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, StepUpNeeded, Unauthenticated
from teleconsult.settings import Settings

FRESH_FOR: Final = timedelta(minutes=2)
Kind = Literal["passkey", "code", "password"]
_METHODS: Final[dict[Kind, str]] = {"passkey": METHODS, "code": "otp", "password": "pwd"}
_REFUSALS: Final[dict[Kind, str]] = {
    "passkey": "This passkey is not accepted here. Choose one of your own, or another way.",
    "code": "This code is not right, or it was used already. Wait for the next one.",
    "password": "This is not your password.",
}


@dataclass(frozen=True, slots=True)
class Ways:
    """What somebody can show of themselves."""

    password: bool
    code: bool
    passkey: bool
    federated: bool
    """At the OpenID Provider of the settings (`accounts.federation`)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows of themselves: the first of these that is there."""

    passkey: str = ""
    """A passkey's answer to `passkey_proofs.step_up_options`, as JSON."""
    code: str = ""
    """Of the authenticator application, or one of those on paper."""
    password: str = ""

    @property
    def kind(self) -> Kind:
        """Which one it is: the name of its field."""
        return "passkey" if self.passkey else "code" if self.code else "password"


def require_fresh(actor: Actor) -> None:
    """Raise StepUpNeeded unless the actor proved who they are within the last 2 minutes; a machine never did."""
    if actor.factor_at is None or now() - actor.factor_at > FRESH_FOR:
        raise StepUpNeeded


async def ways_of(session: AsyncSession, settings: Settings, actor: Actor) -> Ways:
    """How this actor can prove who they are."""
    account = await session.get_one(Account, actor.account_id)
    return Ways(
        password=account.password_hash is not None,
        code=await has_second_factor(session, account.id),
        passkey=relying_party(settings) is not None and bool(await passkeys_of(session, account.id)),
        federated=bool(await session.scalar(select(_is_linked(account, settings.oidc_issuer)))),
    )


def _is_linked(account: Account, issuer: str | None) -> Exists:
    return exists().where(FederatedIdentity.account_id == account.id, FederatedIdentity.issuer == issuer)


async def confirm(
    sessions: Sessions,
    settings: Settings,
    actor: Actor,
    *,
    proof: Proof,
    address: str,
    fits: Callable[[str, str | None], Awaitable[bool]] = is_password,
) -> str:
    """Check what the actor shows: how they proved themselves, as RFC 8176 names it. `fits` says whether a password does
    with the hash that is kept.

    Raises Invalid on the field of a proof that does not hold, and TooMany. A wrong one is kept and audited in
    transactions of their own.
    """
    async with transaction(sessions, SYSTEM) as session:
        account = await session.get_one(Account, actor.account_id)
        attempt_id = await attempt(
            session,
            settings,
            door=Door.STEP_UP,
            email=account.email,
            address=address,
            known=actor.session_id.bytes if actor.session_id else None,
        )
    if proof.kind == "password":
        fault = None if await fits(proof.password, account.password_hash) else "password"
    else:
        fault = await _fault(sessions, settings, actor, account, proof)
    async with transaction(sessions, SYSTEM) as session:
        if fault is None:
            await forgive(session, attempt_id)
            return _METHODS[proof.kind]
        audit.record(
            session,
            actor,
            "passkey-copied" if fault == Fault.COUNT else "step-up-failed",
            account,
            outcome="denied",
            address=address,
            reason=fault,
        )
    raise Invalid({proof.kind: _REFUSALS[proof.kind]})


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


async def _fault(sessions: Sessions, settings: Settings, actor: Actor, account: Account, proof: Proof) -> str | None:
    """Why a code or a passkey does not hold; None where it does. What is good once is used up here, whatever comes
    after.
    """
    async with transaction(sessions, SYSTEM) as session:
        if proof.kind == "code":
            is_good = await take_code(session, settings, account_id=account.id, code=proof.code)
            return None if is_good else "code"
        return await step_up_fault(session, settings, actor, proof.passkey)
