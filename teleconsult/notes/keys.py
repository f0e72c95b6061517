"""Signers' keys: which one is good today, and whether a certificate is."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.personal_keys import is_kept
from teleconsult.clock import now
from teleconsult.errors import Refused
from teleconsult.notes.models import KeyStore, SigningKey
from teleconsult.settings import Settings

EXPIRES_SOON: Final = timedelta(days=30)
MOST: Final = 50


async def current_key(session: AsyncSession, practitioner_id: uuid.UUID) -> SigningKey | None:
    """The practitioner's newest key that is neither revoked nor out of date."""
    return await session.scalar(
        select(SigningKey)
        .where(
            SigningKey.practitioner_id == practitioner_id,
            SigningKey.revoked_at.is_(None),
            SigningKey.not_after > now(),
        )
        .order_by(SigningKey.created_at.desc())
        .limit(1)
    )


async def keys_of(session: AsyncSession, practitioner_id: uuid.UUID) -> Sequence[SigningKey]:
    """All the practitioner's keys, the newest first, those that were good once among them."""
    query = select(SigningKey).where(SigningKey.practitioner_id == practitioner_id)
    return (await session.scalars(query.order_by(SigningKey.created_at.desc()).limit(MOST))).all()


async def key_to_sign_with(session: AsyncSession, actor: Actor) -> SigningKey:
    """The actor's own key. Raises Refused where there is none that is good today, or that can be opened."""
    key = await current_key(session, actor.practitioner_id) if actor.practitioner_id else None
    if key is None:
        raise Refused("You have no valid signing certificate. Get one under “My account”, “Signing keys”.")
    if await is_lost(session, actor, key):
        raise Refused(
            "Your password was reset, so your signing key can no longer be opened. "
            "Get a new one under “My account”, “Signing keys”."
        )
    return key


async def is_lost(session: AsyncSession, actor: Actor, key: SigningKey) -> bool:
    """Whether nobody can open the actor's own key any more: its password was forgotten."""
    if key.store is not KeyStore.SOFT or key.sealed_for is None or actor.account_id is None:
        return False
    return not await is_kept(session, actor.account_id, key.sealed_for)


def expires_soon(key: SigningKey, at: datetime) -> bool:
    """Whether a new certificate should be had within thirty days."""
    return key.not_after - at <= EXPIRES_SOON


async def refuse_bad_certificate(settings: Settings, chain: str) -> None:
    """Raise Refused where the certificate is out of date, or its authority has taken it back.

    The authority is asked, shortly; where it does not answer, its last answer that is still in date counts, and
    without one the note is signed: the evidence that follows will tell.
    """
    own = x509.load_pem_x509_certificate(chain.encode())
    if not own.not_valid_before_utc <= now() <= own.not_valid_after_utc:
        raise Refused("Your signing certificate is out of date. Get a new one under “My account”, “Signing keys”.")
    if await asyncio.to_thread(_is_revoked, settings, chain):
        raise Refused("Your signing certificate has been revoked. Get a new one under “My account”, “Signing keys”.")


def _is_revoked(settings: Settings, chain: str) -> bool:
    """In a thread, the loading of the libraries too."""
    from teleconsult.notes.authorities_asked import QUICK_SECONDS, open_client
    from teleconsult.notes.revocation import KeptAnswers, Standing, certificates_in, path_of
    from teleconsult.notes.verifying import trusted_roots

    roots = trusted_roots(settings.trust_folder)
    own, *others = certificates_in(chain)
    kept = KeptAnswers(settings.data / "revocation")
    with open_client(seconds=QUICK_SECONDS) as client:
        return kept.standing(path_of(own, [*others, *roots]), roots, client) is Standing.REVOKED


def names_signer(chain: str, registration_number: str) -> bool:
    """Whether the certificate is made out to this registration number: nobody signs as somebody else.

    `chain` is PEM, the signer's certificate first.
    """
    subject = x509.load_pem_x509_certificate(chain.encode()).subject
    return [named.value for named in subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)] == [registration_number]
