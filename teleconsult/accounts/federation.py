"""Signing in at an OpenID Provider: what is asked, what comes back, and what follows.

What was asked lies sealed in a cookie of the browser that asked, for ten minutes. An answer counts once, from that
browser alone.
"""

import base64
import binascii
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.entering import Entry, Visit, admitted, enter
from teleconsult.accounts.id_tokens import NotConfirmed, is_same
from teleconsult.accounts.identities import Person, account_of, is_linked_to
from teleconsult.accounts.limits import Door, attempt, forgive
from teleconsult.accounts.linking import link_identity
from teleconsult.accounts.models import OneTimeSecret, SecretPurpose
from teleconsult.accounts.oidc import Challenge, Provider, ProviderAway
from teleconsult.accounts.sessions import renew_session
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, TeleconsultError
from teleconsult.sealing import SealBroken, Sealer
from teleconsult.settings import Settings

LIFETIME: Final = timedelta(minutes=10)
LONGEST_COOKIE: Final = 4096
LONGEST_TARGET: Final = 1000
SEAL: Final = "federated sign-in"


class Errand(StrEnum):
    """What somebody was sent to the provider for."""

    SIGN_IN = "sign-in"
    LINK = "link"
    STEP_UP = "step-up"


class NotKnownHere(TeleconsultError):
    """The provider knows this person; no account here is theirs, or it is disabled."""

    status = 403

    def __init__(self) -> None:
        super().__init__("No account here is linked to this sign-in.")


@dataclass(frozen=True, slots=True)
class Login:
    """One way to the provider and back."""

    challenge: Challenge
    errand: Errand
    next: str
    """The path of ours it leads to."""
    account_id: uuid.UUID | None
    """Whose account it is about; None for a sign-in."""
    begun_at: datetime

    @classmethod
    def begin(cls, errand: Errand, *, target: str, actor: Actor | None = None) -> Self:
        """A new one, from now."""
        account_id = actor.account_id if actor else None
        return cls(Challenge.draw(), errand, target[:LONGEST_TARGET], account_id, now())

    def sealed(self, settings: Settings) -> str:
        """For the cookie: nobody reads it, nobody makes one."""
        content = json.dumps(
            {
                "challenge": asdict(self.challenge),
                "errand": self.errand,
                "next": self.next,
                "account": str(self.account_id) if self.account_id else None,
                "begun": self.begun_at.isoformat(),
            }
        )
        return base64.urlsafe_b64encode(Sealer(settings.secret_key, SEAL).seal(content.encode())).decode()

    @classmethod
    def opened(cls, settings: Settings, cookie: str) -> Self | None:
        """From the cookie; None where it is not ours, or older than ten minutes."""
        try:
            raw = base64.urlsafe_b64decode(cookie[:LONGEST_COOKIE].encode())
            content = json.loads(Sealer(settings.secret_key, SEAL).open(raw))
        except (SealBroken, binascii.Error, ValueError):
            return None
        login = cls(
            Challenge(**content["challenge"]),
            Errand(content["errand"]),
            content["next"],
            uuid.UUID(content["account"]) if content["account"] else None,
            datetime.fromisoformat(content["begun"]),
        )
        return login if now() - login.begun_at < LIFETIME else None

    @property
    def is_fresh(self) -> bool:
        """Whether the person must prove themselves anew at the provider, signed in there or not."""
        return self.errand is Errand.STEP_UP


async def come_back(
    sessions: Sessions,
    settings: Settings,
    provider: Provider,
    login: Login | None,
    answer: Mapping[str, str],
    *,
    visit: Visit,
) -> Person:
    """Who the answer says has come back, to the browser that asked.

    Raises Invalid for anything that does not prove it (the audit says what), TooMany as `limits.attempt` does,
    ProviderAway. No transaction is open while the provider is asked.
    """
    if login is None or not is_same(answer.get("state", ""), login.challenge.state):
        # A link from elsewhere. No try of anybody's: else any page could use up its visitors' allowance.
        raise Invalid({"": "This sign-in was not begun in this browser, or it took too long. Begin again."})
    async with transaction(sessions, SYSTEM) as session:
        attempt_id = await attempt(session, settings, door=Door.FEDERATED, address=visit.address)
        is_first = await _take(session, login)
    if not is_first:
        raise await _unconfirmed(sessions, visit, "answered-before")
    try:
        claims = await provider.redeem(login.challenge, answer, is_fresh=login.is_fresh)
    except NotConfirmed as failure:
        raise await _unconfirmed(sessions, visit, failure.reason) from failure
    except ProviderAway:
        await _forgive(sessions, attempt_id)
        raise
    await _forgive(sessions, attempt_id)
    return Person.from_claims(claims)


async def sign_in_as(sessions: Sessions, settings: Settings, person: Person, *, visit: Visit) -> Entry:
    """Open a session for the person's account. A provider held to a class of sign-in counts as two factors.

    Raises NotKnownHere with the same words whether no account is theirs or it is disabled.
    """
    async with transaction(sessions, SYSTEM) as session:
        account = await account_of(session, person, vouches_for_ids=settings.oidc_vouches_for_ids)
        if account is not None:
            entry = await enter(session, settings, account, methods=_methods(settings), visit=visit)
        else:
            audit.record(
                session, None, "sign-in-failed", outcome="denied", address=visit.address, reason="not-known-here"
            )
    if account is None:
        raise NotKnownHere
    return admitted(entry)


async def link_to(sessions: Sessions, settings: Settings, actor: Actor | None, login: Login, person: Person) -> None:
    """Link the person to the account that asked for it. Raises Invalid, also where the actor is another by now."""
    async with transaction(sessions, SYSTEM) as session:
        await link_identity(session, _same(actor, login), person=person, vouches_for_ids=settings.oidc_vouches_for_ids)


async def step_up_as(
    sessions: Sessions, settings: Settings, actor: Actor | None, login: Login, person: Person, *, address: str
) -> str:
    """The session goes on under a new token, with a factor just shown: the token. Raises Invalid."""
    actor = _same(actor, login)
    async with transaction(sessions, SYSTEM) as session:
        is_own = await is_linked_to(session, actor, person=person)
        renewed = await renew_session(session, actor, fresh=_methods(settings)) if is_own else None
        if renewed is None:
            audit.record(session, actor, "step-up-failed", outcome="denied", address=address)
        else:
            audit.record(session, renewed[0], "stepped-up", methods=_methods(settings), address=address)
    if renewed is None:
        raise Invalid({"": "This is not the sign-in your account is linked to."})
    return renewed[1]


def _methods(settings: Settings) -> str:
    """How the person signed in (RFC 8176 has no word for a provider): `mfa` where it is held to a class."""
    return "fed mfa" if settings.oidc_acr else "fed"


def _same(actor: Actor | None, login: Login) -> Actor:
    if actor is None or actor.account_id is None or actor.account_id != login.account_id:
        raise Invalid({"": "You have signed out meanwhile, or as somebody else. Begin again."})
    return actor


async def _take(session: AsyncSession, login: Login) -> bool:
    """Whether this is the first answer. Nothing is kept before one comes: who only asks costs us no row."""
    digest = hashlib.sha256(login.challenge.state.encode()).digest()
    taken = await session.scalar(
        insert(OneTimeSecret)
        .values(
            id=uuid.UUID(bytes=digest[:16]),
            purpose=SecretPurpose.FEDERATED,
            secret_hash=digest,
            created_at=login.begun_at,
            expires_at=login.begun_at + LIFETIME,
            used_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(OneTimeSecret.id)
    )
    return taken is not None


async def _unconfirmed(sessions: Sessions, visit: Visit, reason: str) -> Invalid:
    """Record why, and say nothing of it."""
    async with transaction(sessions, SYSTEM) as session:
        audit.record(session, None, "sign-in-failed", outcome="denied", address=visit.address, reason=reason)
    return Invalid({"": "This sign-in could not be confirmed. Begin again."})


async def _forgive(sessions: Sessions, attempt_id: uuid.UUID) -> None:
    async with transaction(sessions, SYSTEM) as session:
        await forgive(session, attempt_id)
