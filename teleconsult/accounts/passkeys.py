"""A person's passkeys: adding one, naming it, removing it (W3C WebAuthn Level 3 §7.1)."""

import uuid
from typing import Final

import webauthn
from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import parse_client_data_json, parse_registration_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.challenges import new_challenge, take_challenge
from teleconsult.accounts.models import Account, FederatedIdentity, Passkey, SecretPurpose
from teleconsult.accounts.passkey_proofs import LONGEST_ANSWER, UNREADABLE, descriptors, passkeys_of
from teleconsult.accounts.relying_party import NAME, RelyingParty, require_party
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.settings import Settings

MOST: Final = 20
LONGEST_NAME: Final = 60


async def registration_options(session: AsyncSession, settings: Settings, actor: Actor) -> str:
    """What the browser is asked for a new passkey, as JSON (§5.4): discoverable, its user verified, none twice.

    Raises StepUpNeeded, and Refused where this site can have no passkeys or the account has 20.
    """
    require_fresh(actor)
    party = require_party(settings)
    account = await session.get_one(Account, actor.account_id)
    known = await passkeys_of(session, account.id)
    _refuse_many(len(known))
    challenge = new_challenge(
        session, purpose=SecretPurpose.PASSKEY_REGISTRATION, holder=str(actor.session_id), account_id=account.id
    )
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=NAME,
        user_id=account.id.bytes,
        user_name=account.email,
        user_display_name=actor.name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=descriptors(known),
    )
    return webauthn.options_to_json(options)


async def add_passkey(session: AsyncSession, settings: Settings, actor: Actor, *, answer: str, name: str) -> Passkey:
    """Keep the passkey the browser made for the options it was given in this session.

    Raises StepUpNeeded, Refused as `registration_options` does, Invalid on `name`, or for the whole form when the
    answer is not one to our challenge, from our origin, with its user verified.
    """
    require_fresh(actor)
    party = require_party(settings)
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise Invalid({"name": "Give the passkey a name of at most 60 letters."})
    account = await session.get_one(Account, actor.account_id, with_for_update=True)
    _refuse_many(len(await passkeys_of(session, account.id)))
    credential, challenge = _read(answer)
    if not await take_challenge(
        session, challenge, purpose=SecretPurpose.PASSKEY_REGISTRATION, holder=str(actor.session_id)
    ):
        raise _not_taken()
    passkey = _verified(credential, challenge, party)
    if await session.scalar(select(exists().where(Passkey.credential_id == passkey.credential_id))):
        raise Invalid({"": "This passkey is registered already."})
    passkey.account_id, passkey.name = account.id, name
    session.add(passkey)
    await session.flush()
    audit.record(session, actor, "passkey-added", passkey)
    return passkey


async def remove_passkey(session: AsyncSession, actor: Actor, *, passkey_id: uuid.UUID) -> Passkey:
    """From now on it opens nothing. Raises StepUpNeeded, NotFound, and Refused for the only way in."""
    require_fresh(actor)
    account = await session.get_one(Account, actor.account_id, with_for_update=True)
    passkey = await session.get(Passkey, passkey_id)
    if passkey is None or passkey.account_id != account.id or passkey.revoked_at is not None:
        raise NotFound
    if account.password_hash is None and await _ways_without_password(session, account) < 2:
        raise Refused("This is the only way into your account. Add another one first.")
    passkey.revoked_at = now()
    audit.record(session, actor, "passkey-removed", passkey)
    return passkey


async def _ways_without_password(session: AsyncSession, account: Account) -> int:
    identities = await session.scalar(
        select(func.count()).select_from(FederatedIdentity).where(FederatedIdentity.account_id == account.id)
    )
    return len(await passkeys_of(session, account.id)) + (identities or 0)


def _refuse_many(count: int) -> None:
    if count >= MOST:
        raise Refused("You have 20 passkeys already. Remove one first.")


def _read(answer: str) -> tuple[RegistrationCredential, bytes]:
    """The credential, and the challenge it says it answers."""
    if len(answer) > LONGEST_ANSWER:
        raise _not_taken()
    try:
        credential = parse_registration_credential_json(answer)
        return credential, parse_client_data_json(credential.response.client_data_json).challenge
    except UNREADABLE as error:
        raise _not_taken() from error


def _verified(credential: RegistrationCredential, challenge: bytes, party: RelyingParty) -> Passkey:
    try:
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
        )
    except UNREADABLE as error:
        raise _not_taken() from error
    return Passkey(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=" ".join(transport.value for transport in credential.response.transports or ()),
        is_backed_up=verified.credential_backed_up,
        created_at=now(),
    )


def _not_taken() -> Invalid:
    return Invalid({"": "The passkey could not be added. Try again."})
