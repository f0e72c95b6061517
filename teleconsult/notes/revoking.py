"""Taking a signing key out of use: one's own, or a colleague's; the authority is told where it is ours."""

import uuid

import structlog
from cryptography import x509
from procrastinate import JobContext
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.roles import practitioner_here
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.jobs import app, defer
from teleconsult.notes.keys import current_key, is_lost
from teleconsult.notes.models import RevocationReason, SigningKey
from teleconsult.settings import Settings

log = structlog.get_logger(__name__)


async def revoke_own_key(session: AsyncSession, actor: Actor, *, key_id: uuid.UUID, reason: str) -> SigningKey:
    """Sign with it no more; `reason` is a code of `RevocationReason`.

    Raises NotFound for another's, StepUpNeeded, Invalid on `reason`, Refused where it is revoked already.
    """
    key = await _locked(session, key_id)
    if key.practitioner_id != actor.practitioner_id:
        raise NotFound
    return await _revoke(session, actor, key, reason)


async def revoke_key_here(session: AsyncSession, actor: Actor, *, key_id: uuid.UUID, reason: str) -> SigningKey:
    """The same for somebody who works at the administrator's establishment. Raises NotFound for others' people."""
    key = await _locked(session, key_id)
    await practitioner_here(session, actor, key.practitioner_id)
    return await _revoke(session, actor, key, reason)


async def revoke_lost(session: AsyncSession, actor: Actor) -> None:
    """The actor's key that nobody can open any more is out of use, for the authority too; nothing where it is good."""
    key = await current_key(session, actor.practitioner_id) if actor.practitioner_id else None
    if key is not None and await is_lost(session, actor, key):
        await _take_back(session, actor, key, RevocationReason.REPLACED)


async def _locked(session: AsyncSession, key_id: uuid.UUID) -> SigningKey:
    key = await session.scalar(select(SigningKey).where(SigningKey.id == key_id).with_for_update())
    if key is None:
        raise NotFound
    return key


async def _revoke(session: AsyncSession, actor: Actor, key: SigningKey, reason: str) -> SigningKey:
    require_fresh(actor)
    if key.revoked_at is not None:
        raise Refused("This certificate is out of use already.")
    if reason not in list(RevocationReason):
        raise Invalid({"reason": "Say why it is used no more."})
    await _take_back(session, actor, key, RevocationReason(reason))
    return key


async def _take_back(session: AsyncSession, actor: Actor, key: SigningKey, reason: RevocationReason) -> None:
    key.revoked_at, key.revocation_reason = now(), reason
    audit.record(session, actor, "signing-key-revoked", key, practitioner=key.practitioner_id, reason=reason.value)
    await defer(session, tell_authority, key_id=str(key.id))
    await session.flush()


@app.task(name="tell_authority", pass_context=True, lock="authority")
async def tell_authority(context: JobContext, key_id: str) -> None:
    """Have the authority of this installation answer that a certificate is revoked; another's own way is its owner's.

    Told again, it says the same since the same moment.
    """
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        key = await session.get_one(SigningKey, uuid.UUID(key_id))
        chain, revoked_at = key.certificate, key.revoked_at
    assert revoked_at is not None  # it was, in the transaction that deferred this
    from teleconsult.notes.authority import issued_here
    from teleconsult.notes.authority_answers import revoke, revoked_in

    own = x509.load_pem_x509_certificate(chain.encode())
    if not issued_here(settings.data, own):
        return
    if own.serial_number not in revoked_in(settings.data):
        revoke(settings.data, own.serial_number, at=revoked_at)
    log.info("notes.authority_told", key=key_id)
