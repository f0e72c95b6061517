"""Enrolling a signer: a soft key from the authority of this installation, or one that a token or a service keeps."""

import asyncio
import uuid

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.personal_keys import Opened, open_or_replace
from teleconsult.accounts.stepping_up import Proof, confirm, require_fresh
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.errors import Refused
from teleconsult.notes.authority import Authority, has_authority, issue, open_authority
from teleconsult.notes.key_checks import check_key
from teleconsult.notes.keys import current_key, expires_soon
from teleconsult.notes.models import KeyStore, RevocationReason, SigningKey
from teleconsult.notes.revoking import revoke_lost
from teleconsult.notes.unlocking import PURPOSE, Installation, lost
from teleconsult.sealing import SealBroken


async def enrol_own(installation: Installation, actor: Actor, *, password: str, address: str) -> SigningKey:
    """Give the actor a key of this installation's authority that opens with their password; a good one is kept.

    Whatever they signed with before is used no more. Raises Refused where there is no such authority or its key was
    sealed with another secret of the installation, else as `stepping_up.confirm` does.
    """
    settings = installation.settings
    if not has_authority(settings.data):
        raise Refused("This installation issues no certificates. Register the key of a token or of a service.")
    await confirm(installation.sessions, settings, actor, proof=Proof(password=password), address=address)
    assert actor.account_id is not None  # who confirmed has one
    try:
        authority = await asyncio.to_thread(open_authority, settings.data, installation.sealer, at=now())
    except SealBroken as error:
        raise Refused("The key of this installation's authority cannot be opened. Tell your administrator.") from error
    try:
        opened = await open_or_replace(installation.sessions, settings, account_id=actor.account_id, password=password)
    except SealBroken as error:  # they chose another password meanwhile
        raise lost() from error
    async with transaction(installation.sessions, actor) as session:
        await _take_turns(session, actor)
        await revoke_lost(session, actor)
        role = await session.get_one(
            PractitionerRole,
            actor.role_id,
            options=[joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)],
        )
        return await enrol_signer(session, actor, opened, authority, role)


async def register_own(
    installation: Installation, actor: Actor, *, store: KeyStore, reference: str, certificate: str
) -> SigningKey:
    """Have the actor sign with a key that a token or a service keeps, from now on.

    Raises StepUpNeeded, and as `key_checks.check_key` does.
    """
    require_fresh(actor)
    async with transaction(installation.sessions, actor) as session:
        practitioner = await session.get_one(Practitioner, actor.practitioner_id)
    checked = await check_key(
        installation.settings,
        store=store,
        reference=reference,
        certificate=certificate,
        registration_number=practitioner.registration_number,
    )
    key = SigningKey(
        id=uuid.uuid4(),
        practitioner_id=practitioner.id,
        certificate=checked.key.chain,
        private_key_sealed=b"",
        store=checked.key.store,
        reference=checked.key.reference,
        not_after=checked.not_after,
        created_at=now(),
    )
    async with transaction(installation.sessions, actor) as session:
        await _take_turns(session, actor)
        await revoke_lost(session, actor)
        return await _keep(session, actor, key)


async def enrol_signer(
    session: AsyncSession, actor: Actor, opened: Opened, authority: Authority, role: PractitionerRole
) -> SigningKey:
    """Give a practitioner a certificate of this authority, with a key sealed for them; a good one they have is kept.

    `role` has its practitioner and organization loaded; `opened` is the personal key of the practitioner's account.
    """
    known = await current_key(session, role.practitioner_id)
    if known is not None and known.sealed_for == opened.id and not expires_soon(known, now()):
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
        private_key_sealed=opened.sealer(PURPOSE).seal(issued.private_key),
        store=KeyStore.SOFT,
        sealed_for=opened.id,
        not_after=issued.not_after,
        created_at=moment,
    )
    return await _keep(session, actor, key)


async def _take_turns(session: AsyncSession, actor: Actor) -> None:
    """Who presses twice gets one key: two that are good at once would leave the other when one is taken out of use."""
    turn = func.hashtextextended(f"signing key {actor.practitioner_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))


async def _keep(session: AsyncSession, actor: Actor, key: SigningKey) -> SigningKey:
    """Enter it; one that was used until now is used no more."""
    before = await current_key(session, key.practitioner_id)
    if before is not None:
        before.revoked_at, before.revocation_reason = key.created_at, RevocationReason.REPLACED
        audit.record(session, actor, "signing-key-replaced", before, practitioner=key.practitioner_id)
    session.add(key)
    audit.record(session, actor, "signer-enrolled", key, practitioner=key.practitioner_id, store=key.store.value)
    await session.flush()
    return key
