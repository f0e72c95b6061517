"""Signing what somebody else signed: a further revision of the same PDF, a further signature over the same document.

The key's work stands between two short transactions, as with the first signature (`notes.signing`). The revision is
made of the newest one; where evidence or another signature was faster, it is made again of that.
"""

import asyncio
import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.stepping_up import Proof
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import lock_consult, whole
from teleconsult.db import transaction
from teleconsult.delivery.filed_entries import tell_revision
from teleconsult.directory.models import Practitioner
from teleconsult.errors import Conflict, NotFound, Refused
from teleconsult.jobs import defer
from teleconsult.notes.bundling import sign_bundle
from teleconsult.notes.co_signing_models import NoteCoSignature
from teleconsult.notes.completing import owe_evidence
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.evidence_jobs import gather_evidence
from teleconsult.notes.evidence_models import EvidenceState, Level, NoteEvidence
from teleconsult.notes.key_stores import KeptKey, opened_key
from teleconsult.notes.keys import key_to_sign_with, names_signer, refuse_bad_certificate
from teleconsult.notes.models import Composition
from teleconsult.notes.queries import note_for, read_legible_note
from teleconsult.notes.signing import Signing
from teleconsult.notes.unlocking import unlock
from teleconsult.objects import new_key

TIMES: Final = 3
"""How often it is made again of a newer revision before the signer is asked to press once more."""


class _OutrunError(Exception):
    """Another revision was there first."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A revision and whatever it was made of, with the signature over the FHIR document."""

    base_key: str
    object_key: str
    pdf: bytes
    jws: str
    at: datetime


async def co_signature_for(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> NoteCoSignature:
    """What was asked of the actor, given or not. Raises NotFound for who was not asked, and once it waits no more."""
    await note_for(session, actor, note_id)
    found = await session.scalar(
        select(NoteCoSignature).where(
            NoteCoSignature.composition_id == note_id, NoteCoSignature.practitioner_role_id == actor.role_id
        )
    )
    if found is None or not (found.signed_at or found.waits(now())):
        raise NotFound
    return found


async def note_to_co_sign(session: AsyncSession, actor: Actor, *, note_id: uuid.UUID) -> Composition:
    """The note the actor is asked to sign, its reading recorded. Raises as `co_sign_note` does where it cannot be."""
    asked = await co_signature_for(session, actor, note_id)
    note = await read_legible_note(session, actor, note_id)
    if asked.signed_at is not None:
        raise Refused("You have already signed it.")
    if not await session.scalar(select(func.note_stands(note.id))):
        raise Refused("A later version of this note exists. Yours is asked for no more.")
    return note


async def co_sign_note(
    signing: Signing, actor: Actor, *, note_id: uuid.UUID, proof: Proof, address: str
) -> NoteCoSignature:
    """Sign it too, as the one who is acting and with their own key.

    Raises NotFound for who was not asked, Refused where they signed already, the note was withdrawn or replaced, or
    they have no good certificate made out to them, Invalid as `stepping_up.confirm` does, TooMany, Unavailable where
    the key or the authority does not answer, Conflict where it would not come to rest.
    """
    async with transaction(signing.sessions, actor) as session:
        note = await note_to_co_sign(session, actor, note_id=note_id)
        key = KeptKey.of(await key_to_sign_with(session, actor))
        practitioner = await session.get_one(Practitioner, actor.practitioner_id)
        if not names_signer(key.chain, practitioner.registration_number):
            raise Refused("Your signing certificate is made out to someone else. Ask your administrator.")
    key = await unlock(signing, actor, key, proof=proof, address=address)
    await refuse_bad_certificate(signing.settings, key.chain)
    document = await signing.objects.get(note.bundle_object_key) if note.bundle_object_key else None
    for _ in range(TIMES):
        made = await _make(signing, note, key, document)
        try:
            async with transaction(signing.sessions, SYSTEM) as session:
                return await _keep(session, signing, actor, note, made)
        except (_OutrunError, IntegrityError):
            await signing.objects.delete(made.object_key)
        except Refused:
            await signing.objects.delete(made.object_key)
            raise
    raise Conflict("Others are signing it right now. Press once more.")


async def _make(signing: Signing, note: Composition, key: KeptKey, document: bytes | None) -> _Made:
    async with transaction(signing.sessions, SYSTEM) as session:
        newest = await current_pdf(session, note)
    base, at = await signing.objects.get(newest.object_key), now()
    pdf, jws = await asyncio.to_thread(_sign, signing, key, base, document, at)
    made = _Made(newest.object_key, new_key("note"), pdf, jws, at)
    await signing.objects.put(made.object_key, pdf)
    return made


def _sign(signing: Signing, key: KeptKey, base: bytes, document: bytes | None, at: datetime) -> tuple[bytes, str]:
    """In a thread, the loading of the signing library too. What comes out is looked at as a stranger would."""
    from teleconsult.notes.signature import KeySigner, co_sign_pdf
    from teleconsult.notes.verifying_structure import signatures_in

    with opened_key(signing.settings, key) as sign:
        pdf = co_sign_pdf(base, KeySigner(key.chain, sign))
        signatures_in(pdf)
        return pdf, sign_bundle(document, chain=key.chain, sign=sign, at=at).jws if document is not None else ""


async def _keep(
    session: AsyncSession, signing: Signing, actor: Actor, note: Composition, made: _Made
) -> NoteCoSignature:
    """Once more under the lock; the system's own, as who signs may see neither the consult nor what follows."""
    await lock_consult(session, note.service_request_id)
    asked = (
        await session.scalars(
            select(NoteCoSignature)
            .where(NoteCoSignature.composition_id == note.id, NoteCoSignature.practitioner_role_id == actor.role_id)
            .with_for_update()
        )
    ).one()
    if asked.signed_at is not None:
        raise Refused("You have already signed it.")
    if not await session.scalar(select(func.note_stands(note.id))):
        raise Refused("This note was withdrawn or replaced. Your signature is asked for no more.")
    revision = await _revision(session, signing, note, made)
    asked.signed_at, asked.jws = made.at, made.jws
    await session.flush()
    audit.record(
        session,
        actor,
        "note-co-signed",
        note,
        patient_id=note.patient_id,
        consult=note.service_request_id,
        pdf_sha256=revision.sha256.hex() if revision.sha256 else "",
    )
    await tell_revision(session, SYSTEM, note, await current_pdf(session, note))
    consult = await session.get_one(ServiceRequest, note.service_request_id, options=whole())
    await tell_consult(session, "ConsultNoteCoSigned", consult)
    return asked


async def _revision(session: AsyncSession, signing: Signing, note: Composition, made: _Made) -> NoteEvidence:
    """The next whole revision. One that was owed becomes it: whoever makes that meanwhile finds it made, and its
    evidence is owed anew, over all signatures.
    """
    rows = (
        await session.scalars(
            select(NoteEvidence)
            .where(NoteEvidence.composition_id == note.id)
            .order_by(NoteEvidence.number)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).all()
    if (await current_pdf(session, note)).object_key != made.base_key:
        raise _OutrunError
    newest = rows[-1] if rows else None
    if newest is not None and newest.state is not EvidenceState.COMPLETE:
        revision = newest
    else:
        number = newest.number + 1 if newest is not None else 0
        revision = await owe_evidence(session, note.id, number=number)
    before = max((row.renew_before for row in rows if row.renew_before), default=None)
    revision.sha1 = hashlib.sha1(made.pdf, usedforsecurity=False).digest()
    revision.sha256, revision.size = hashlib.sha256(made.pdf).digest(), len(made.pdf)
    revision.object_key, revision.level, revision.state = made.object_key, Level.B_B, EvidenceState.COMPLETE
    revision.completed_at, revision.next_try_at, revision.failure = made.at, None, ""
    await session.flush()
    if signing.settings.timestamp_addresses:
        await owe_evidence(session, note.id, number=revision.number + 1)
        await defer(session, gather_evidence, note_id=str(note.id))
    elif before is not None:  # while there is no time-stamp authority, the older evidence is renewed in its time
        revision.renew_before = before
        others = NoteEvidence.composition_id == note.id, NoteEvidence.id != revision.id
        await session.execute(update(NoteEvidence).where(*others).values(renew_before=None))
    return revision
