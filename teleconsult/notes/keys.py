"""Signers' keys: issued once, sealed in the database, opened for one signature."""

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


def names_signer(chain: str, registration_number: str) -> bool:
    """Whether the certificate is made out to this registration number: nobody signs as somebody else.

    `chain` is PEM, the signer's certificate first.
    """
    subject = x509.load_pem_x509_certificate(chain.encode()).subject
    return [named.value for named in subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)] == [registration_number]
