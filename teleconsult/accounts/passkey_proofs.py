"""What a passkey shows: asking for it, and whether the answer holds (W3C WebAuthn Level 3 §7.2).

An answer with its user verified is two factors at once: what one has, and what one knows or is.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import webauthn
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import parse_authentication_credential_json, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.challenges import new_challenge, take_challenge
from teleconsult.accounts.models import Passkey, SecretPurpose
from teleconsult.accounts.relying_party import require_party
from teleconsult.clock import now
from teleconsult.settings import Settings

METHODS: Final = "hwk user"
"""RFC 8176 §2: a key in hardware, and its user verified."""
LONGEST_ANSWER: Final = 16 * 1024
UNREADABLE: Final = (WebAuthnException, ValueError, TypeError, KeyError, RecursionError)
"""What the library raises for what no browser would have sent."""


class Fault(StrEnum):
    """Why an answer does not hold, as the audit log keeps it."""

    UNREADABLE = "unreadable"
    CHALLENGE = "challenge"
    """Not asked for by us, by this browser, just now; or answered once already."""
    UNKNOWN = "unknown"
    SIGNATURE = "signature"
    """Or another origin, another site, or a user who was not verified."""
    COUNT = "count"
    """It was used before, and counts no further: there may be a copy of it (§6.1.1)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser sent back, read but not yet believed."""

    credential: AuthenticationCredential
    challenge: bytes

    @property
    def credential_hash(self) -> bytes:
        """Names the credential where tries are counted."""
        return hashlib.sha256(self.credential.raw_id).digest()


async def passkeys_of(session: AsyncSession, account_id: uuid.UUID | None) -> Sequence[Passkey]:
    """The account's passkeys that still count, oldest first."""
    found = await session.scalars(
        select(Passkey)
        .where(Passkey.account_id == account_id, Passkey.revoked_at.is_(None))
        .order_by(Passkey.created_at, Passkey.id)
    )
    return found.all()


def descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    """Those passkeys, as a browser is told of them (§5.8.3)."""
    return [PublicKeyCredentialDescriptor(id=passkey.credential_id) for passkey in passkeys]


def sign_in_options(session: AsyncSession, settings: Settings, *, browser: str) -> str:
    """What a browser is asked before anybody is known, as JSON (§5.5): any passkey of this site's that it holds."""
    challenge = new_challenge(session, purpose=SecretPurpose.PASSKEY_SIGN_IN, holder=browser)
    return _options(settings, challenge, [])


async def step_up_options(session: AsyncSession, settings: Settings, actor: Actor) -> str:
    """What the actor's browser is asked before an act that binds: one of the actor's own passkeys."""
    challenge = new_challenge(
        session, purpose=SecretPurpose.PASSKEY_STEP_UP, holder=str(actor.session_id), account_id=actor.account_id
    )
    return _options(settings, challenge, descriptors(await passkeys_of(session, actor.account_id)))


def read_answer(text: str) -> Answer | None:
    """The JSON of an assertion (§5.1.4); None for anything else."""
    if len(text) > LONGEST_ANSWER:
        return None
    try:
        credential = parse_authentication_credential_json(text)
        return Answer(credential, parse_client_data_json(credential.response.client_data_json).challenge)
    except UNREADABLE:
        return None


async def find_passkey(session: AsyncSession, answer: Answer | None) -> Passkey | None:
    """The passkey that is said to have answered; locked, since using it changes its count."""
    if answer is None:
        return None
    return await session.scalar(
        select(Passkey)
        .where(Passkey.credential_id == answer.credential.raw_id, Passkey.revoked_at.is_(None))
        .with_for_update()
    )


async def take_asked(session: AsyncSession, answer: Answer | None, *, purpose: SecretPurpose, holder: str) -> bool:
    """Whether the answer is to what we asked this holder; asked once, answered once, whatever the answer is worth."""
    return answer is not None and await take_challenge(session, answer.challenge, purpose=purpose, holder=holder)


def fault_of(settings: Settings, passkey: Passkey | None, answer: Answer | None, *, was_asked: bool) -> Fault | None:
    """Why the answer does not hold; None where it does, and the passkey then counts as used."""
    if answer is None:
        return Fault.UNREADABLE
    if not was_asked:
        return Fault.CHALLENGE
    user = answer.credential.response.user_handle
    if passkey is None or (user is not None and user != passkey.account_id.bytes):
        return Fault.UNKNOWN
    party = require_party(settings)
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # looked at below: only a true signature can tell of a copy
            require_user_verification=True,
        )
    except UNREADABLE:
        return Fault.SIGNATURE
    if (verified.new_sign_count or passkey.sign_count) and verified.new_sign_count <= passkey.sign_count:
        return Fault.COUNT
    passkey.sign_count, passkey.last_used_at = verified.new_sign_count, now()
    passkey.is_backed_up = verified.credential_backed_up
    return None


async def step_up_fault(session: AsyncSession, settings: Settings, actor: Actor, text: str) -> Fault | None:
    """The same for an answer to `step_up_options`: of one of the actor's own passkeys, in this session."""
    answer = read_answer(text)
    was_asked = await take_asked(session, answer, purpose=SecretPurpose.PASSKEY_STEP_UP, holder=str(actor.session_id))
    passkey = await find_passkey(session, answer)
    is_own = passkey is not None and passkey.account_id == actor.account_id
    return fault_of(settings, passkey if is_own else None, answer, was_asked=was_asked)


def _options(settings: Settings, challenge: bytes, allowed: list[PublicKeyCredentialDescriptor]) -> str:
    options = webauthn.generate_authentication_options(
        rp_id=require_party(settings).id,
        challenge=challenge,
        allow_credentials=allowed,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)
