"""Signers' keys: issued once, sealed in the database, opened for one signature."""

import asyncio
import uuid

from cryptography import x509
from cryptography.x509.oid import NameOID
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Refused
from teleconsult.notes.authority import Authority, issue
from teleconsult.notes.models import SigningKey
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings


async def enrol_signer(
    session: AsyncSession, actor: Actor, sealer: Sealer, authority: Authority, role: PractitionerRole
) -> SigningKey:
    """Give a practitioner a certificate of this authority; one that is good already is kept.

    `role` has its practitioner and organization loaded.
    """
    known = await current_key(session, role.practitioner_id)
    if known is not None:
        return known
    moment = now()
    issued = issue(
        authority,
        name=role.practitioner.name,
        registration_number=role.practitioner.registration_number,
        organization=role.organization.name,
        at=moment,
    )
    key = SigningKey(
        id=uuid.uuid4(),
        practitioner_id=role.practitioner_id,
        certificate=issued.chain,
        private_key_sealed=sealer.seal(issued.private_key),
        not_after=issued.not_after,
        created_at=moment,
    )
    session.add(key)
    audit.record(session, actor, "signer-enrolled", key, practitioner=role.practitioner_id)
    await session.flush()
    return key


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


async def key_to_sign_with(session: AsyncSession, actor: Actor) -> SigningKey:
    """The actor's own key. Raises Refused where there is none that is good today."""
    key = await current_key(session, actor.practitioner_id) if actor.practitioner_id else None
    if key is None:
        raise Refused("You have no valid signing certificate. Ask your administrator for one.")
    return key


async def refuse_bad_certificate(settings: Settings, chain: str) -> None:
    """Raise Refused where the certificate is out of date, or its authority has taken it back.

    The authority is asked, shortly; where it does not answer, its last answer that is still in date counts, and
    without one the note is signed: the evidence that follows will tell.
    """
    own = x509.load_pem_x509_certificate(chain.encode())
    if not own.not_valid_before_utc <= now() <= own.not_valid_after_utc:
        raise Refused("Your signing certificate is out of date. Ask your administrator for a new one.")
    if await asyncio.to_thread(_is_revoked, settings, chain):
        raise Refused("Your signing certificate has been revoked. Ask your administrator for a new one.")


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
