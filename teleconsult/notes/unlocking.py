"""Opening a signer's soft key with what they show at step-up: it is sealed for nobody else."""

import uuid
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.passwords import LONGEST, is_password
from teleconsult.accounts.personal_keys import Opened, open_personal_key, try_personal_key
from teleconsult.accounts.stepping_up import Proof, confirm, ways_of
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, Refused
from teleconsult.notes.key_stores import KeptKey
from teleconsult.notes.keys import current_key, is_lost
from teleconsult.notes.models import KeyStore, SigningKey
from teleconsult.sealing import SealBroken, Sealer
from teleconsult.settings import Settings

PURPOSE: Final = "signing keys"


class Installation(Protocol):
    """What of an installation it needs (`signing.Signing`)."""

    @property
    def sessions(self) -> Sessions: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def sealer(self) -> Sealer: ...


@dataclass(frozen=True, slots=True)
class WaysToSign:
    """What the signer can show of themselves for this signature, or why there will be none."""

    password: bool = False
    code: bool = False
    passkey: bool = False
    has_key: bool = True
    is_lost: bool = False
    """Their key cannot be opened any more: the password was forgotten."""
    wants_password: bool = False
    """Their key opens with a password, and their account has none."""

    @property
    def can_sign(self) -> bool:
        """Whether anything of it leads on."""
        return self.has_key and not self.is_lost and not self.wants_password


async def ways_to_sign(session: AsyncSession, settings: Settings, actor: Actor) -> WaysToSign:
    """By the account's ways and by where the key is: a soft key opens with the password alone."""
    ways = await ways_of(session, settings, actor)
    key = await current_key(session, actor.practitioner_id) if actor.practitioner_id else None
    if key is None:
        return WaysToSign(has_key=False)
    if await is_lost(session, actor, key):
        return WaysToSign(is_lost=True)
    if key.store is KeyStore.SOFT:
        return WaysToSign(password=ways.password, wants_password=not ways.password)
    return WaysToSign(password=ways.password, code=ways.code, passkey=ways.passkey)


async def unlock(installation: Installation, actor: Actor, key: KeptKey, *, proof: Proof, address: str) -> KeptKey:
    """Have the actor prove who they are, and the key with what opens it now.

    A soft key that the installation's secret still opens is sealed for its owner from now on. Raises Invalid on
    `password` for another proof where the key is sealed for its owner's, on the field of a proof that does not hold,
    TooMany, and Refused where the key cannot be opened.
    """
    if key.store is not KeyStore.SOFT:
        await confirm(installation.sessions, installation.settings, actor, proof=proof, address=address)
        return key
    if proof.kind != "password":
        raise Invalid({"password": "Your signing key opens with your password only."})
    assert actor.account_id is not None  # who signs has one
    trial = _Trial(installation, actor.account_id)
    await confirm(
        installation.sessions, installation.settings, actor, proof=proof, address=address, fits=trial.is_password
    )
    opened = trial.opened or await open_own(installation, actor.account_id, proof.password)
    if key.sealed_for is None:
        return await _seal_for_owner(installation, key, opened)
    if key.sealed_for != opened.id:
        raise lost()
    return key.opened_by(opened.sealer(PURPOSE))


@dataclass(slots=True)
class _Trial:
    """A password tried at the personal key that it opens: where it does it is right, and was hashed once, not twice."""

    installation: Installation
    account_id: uuid.UUID
    opened: Opened | None = None

    async def is_password(self, password: str, password_hash: str | None) -> bool:
        if len(password) <= LONGEST:
            sessions, settings = self.installation.sessions, self.installation.settings
            self.opened = await try_personal_key(sessions, settings, account_id=self.account_id, password=password)
        return self.opened is not None or await is_password(password, password_hash)


async def open_own(installation: Installation, account_id: uuid.UUID, password: str) -> Opened:
    """The personal key of the account. Raises Refused where the password does not open it."""
    try:
        return await open_personal_key(
            installation.sessions, installation.settings, account_id=account_id, password=password
        )
    except SealBroken as error:
        raise lost() from error


def lost() -> Refused:
    """Nobody can open it any more."""
    return Refused("Your signing key cannot be opened. Get a new one under “My account”, “Signing keys”.")


async def _seal_for_owner(installation: Installation, key: KeptKey, opened: Opened) -> KeptKey:
    try:
        plain = installation.sealer.open(key.sealed)
    except SealBroken as error:
        raise lost() from error
    sealer = opened.sealer(PURPOSE)
    sealed = sealer.seal(plain)
    async with transaction(installation.sessions, SYSTEM) as session:
        await session.execute(
            update(SigningKey)
            .where(SigningKey.id == key.id, SigningKey.sealed_for.is_(None))
            .values(private_key_sealed=sealed, sealed_for=opened.id)
        )
    return key.sealed_as(sealed, opened.id).opened_by(sealer)
