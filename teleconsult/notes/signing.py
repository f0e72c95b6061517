"""Signing a note: printed once and read once more, password once more, signed once, frozen for good.

The key's work takes a while, so it stands between two short transactions. The second one looks at everything again
under the lock: two presses of the button, or a word changed meanwhile, end in a clear answer.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import Proof
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest, TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.audience import require_listed
from teleconsult.delivery.queueing import queue_deliveries
from teleconsult.directory.models import Practitioner
from teleconsult.documents.press import Press
from teleconsult.encounters.actions import finish_encounter
from teleconsult.errors import Conflict, Invalid, NotFound, Refused, TeleconsultError
from teleconsult.fhir.note_documents import SignedPdf, note_document
from teleconsult.meetings.concluding import require_conclusive
from teleconsult.notes.bundling import SignedBundle, sign_bundle
from teleconsult.notes.composing import compose
from teleconsult.notes.content import NoteContent, Relation
from teleconsult.notes.evidence import keep_first_revision
from teleconsult.notes.evidence_jobs import begin_evidence
from teleconsult.notes.jobs import select_key_images
from teleconsult.notes.key_stores import KeptKey, opened_key
from teleconsult.notes.keys import key_to_sign_with, names_signer, refuse_bad_certificate
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.queries import draft_for, refuse_signed
from teleconsult.notes.showing import Shown, require_shown, show_rendering
from teleconsult.notes.unlocking import unlock
from teleconsult.notes.versions import refuse_what_follows
from teleconsult.objects import Objects, new_key
from teleconsult.scheduling.models import AppointmentStatus
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings

_NEWS: Final = {
    Relation.NONE: "ConsultNoteSigned",
    Relation.APPENDS: "ConsultNoteAdded",
    Relation.REPLACES: "ConsultNoteReplaced",
}


@dataclass(frozen=True, slots=True)
class Signing:
    """What signing needs of the installation."""

    sessions: Sessions
    settings: Settings
    objects: Objects
    sealer: Sealer
    press: Press


@dataclass(frozen=True, slots=True)
class _Read:
    """What of a draft was read before it is signed: its words, and which key images by their ids."""

    version: int
    key_images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that goes into the signature, read before the slow part."""

    content: NoteContent
    key: KeptKey
    shown_key: str | None


@dataclass(frozen=True, slots=True)
class _Signed:
    """What came out of it: the PDF and the FHIR document, and under which keys they lie in the object store."""

    content: NoteContent
    pdf: bytes
    bundle: SignedBundle
    object_key: str
    bundle_key: str


def verify_address(settings: Settings) -> str:
    """Where anyone can check a note, as printed on it."""
    return f"{settings.base_url}/verify"


async def sign_note(
    signing: Signing,
    actor: Actor,
    *,
    note_id: uuid.UUID,
    version: int,
    proof: Proof,
    address: str,
    shown: str,
    key_images: Sequence[str] = (),
) -> Composition:
    """Sign the draft as it was at `version` and with those key images; its delivery is put into the same transaction.

    `shown` is the digest of the rendering the author saw (`showing.Shown`): those very bytes are signed.

    Raises NotFound for anybody but the author, Refused when it is signed already, the consult is closed or the
    author has no certificate, Invalid on `opinion` without an opinion and as `stepping_up.confirm` does, TooMany,
    Conflict when the draft was changed after it was read or shown or was never shown, Unavailable when its key or
    the authority does not answer.
    """
    async with transaction(signing.sessions, actor) as session:
        prepared = await _prepare(session, actor, signing, note_id, _Read(version, tuple(key_images)))
    seen = await require_shown(signing.objects, prepared.shown_key, digest=shown, content=prepared.content)
    prepared = replace(prepared, content=seen.content)
    prepared = replace(prepared, key=await unlock(signing, actor, prepared.key, proof=proof, address=address))
    await refuse_bad_certificate(signing.settings, prepared.key.chain)
    pdf, bundle = await asyncio.to_thread(_sign, signing, seen.pdf, prepared)
    signed = _Signed(prepared.content, pdf, bundle, new_key("note"), new_key("note"))
    await signing.objects.put(signed.object_key, signed.pdf)
    await signing.objects.put(signed.bundle_key, signed.bundle.content)
    try:
        async with transaction(signing.sessions, actor) as session:
            note = await _freeze(session, actor, signing, signed, _Read(version, tuple(key_images)))
    except TeleconsultError:  # refused before any commit; a lost connection may have committed, so there it stays
        await signing.objects.delete(signed.object_key)
        await signing.objects.delete(signed.bundle_key)
        raise
    if prepared.shown_key:  # it was for the draft alone
        await signing.objects.delete(prepared.shown_key)
    return note


async def preview_content(
    session: AsyncSession, actor: Actor, settings: Settings, *, note_id: uuid.UUID
) -> NoteContent:
    """What would be printed now. Raises NotFound for anybody but the author, Refused once it is signed."""
    note = await draft_for(session, actor, note_id)
    refuse_signed(note)
    return await compose(session, note, at=now(), verify_at=verify_address(settings))


async def content_to_sign(
    session: AsyncSession, actor: Actor, settings: Settings, *, note_id: uuid.UUID
) -> NoteContent:
    """The same, of a note that says enough to be signed. Raises Invalid on `opinion` too, and Refused where nobody may
    be sent a note marked so (`delivery.audience.require_listed`).
    """
    content = await preview_content(session, actor, settings, note_id=note_id)
    _refuse_empty(content.sections)
    await require_listed(session, await draft_for(session, actor, note_id))
    return content


async def show_to_sign(signing: Signing, actor: Actor, *, note_id: uuid.UUID) -> Shown:
    """The rendering that its author signs next, printed outside any transaction. Raises as `content_to_sign` does."""
    async with transaction(signing.sessions, actor) as session:
        content = await content_to_sign(session, actor, signing.settings, note_id=note_id)
    return await show_rendering(signing, actor, content)


async def _prepare(session: AsyncSession, actor: Actor, signing: Signing, note_id: uuid.UUID, read: _Read) -> _Prepared:
    note, consult = await _locked(session, actor, note_id)
    await _check(session, actor, note, consult, read)
    key = await key_to_sign_with(session, actor)
    practitioner = await session.get_one(Practitioner, actor.practitioner_id)
    if not names_signer(key.certificate, practitioner.registration_number):
        raise Refused("Your signing certificate is made out to someone else. Ask your administrator.")
    content = await compose(session, note, at=now(), verify_at=verify_address(signing.settings))
    return _Prepared(content, KeptKey.of(key), note.shown_object_key)


def _sign(signing: Signing, printed: bytes, prepared: _Prepared) -> tuple[bytes, SignedBundle]:
    """In a thread, the loading of the signing library too. The FHIR document names the PDF by its hash."""
    from teleconsult.notes.signature import KeySigner, sign_pdf

    content, chain = prepared.content, prepared.key.chain
    with opened_key(signing.settings, prepared.key) as sign:
        pdf = sign_pdf(printed, KeySigner(chain, sign))
        document = note_document(content, SignedPdf.of(pdf))
        return pdf, sign_bundle(document, chain=chain, sign=sign, at=content.written_at)


async def _freeze(session: AsyncSession, actor: Actor, signing: Signing, signed: _Signed, read: _Read) -> Composition:
    content, frozen = signed.content, signed.content.to_bytes()
    note, consult = await _locked(session, actor, uuid.UUID(content.id))
    await _check(session, actor, note, consult, read)
    note.status, note.shown_object_key = CompositionStatus.FINAL, None
    note.encounter_id = uuid.UUID(content.encounter_id) if content.encounter_id else None
    note.signed_at = note.updated_at = content.written_at
    note.signer_name = content.author.name
    note.content, note.content_sha256 = frozen, hashlib.sha256(frozen).digest()
    note.pdf_object_key, note.pdf_sha256 = signed.object_key, hashlib.sha256(signed.pdf).digest()
    note.bundle_object_key, note.bundle_jws = signed.bundle_key, signed.bundle.jws
    note.bundle_sha256 = hashlib.sha256(signed.bundle.content).digest()
    await session.flush()
    await keep_first_revision(session, note, pdf=signed.pdf)
    await begin_evidence(session, signing.settings, note)
    if note.relation is Relation.NONE:
        await _end_work(session, actor, consult, content.written_at)
    earlier = await session.get_one(Composition, note.related_id) if note.related_id else None
    appends = note.relation is Relation.APPENDS
    await queue_deliveries(
        session, note, consult, replaces=None if appends else earlier, appends=earlier if appends else None
    )
    await select_key_images(session, note)
    audit.record(
        session,
        actor,
        "note-signed",
        note,
        patient_id=note.patient_id,
        consult=consult.id,
        pdf_sha256=note.pdf_sha256.hex(),
    )
    await tell_consult(session, _NEWS[note.relation], consult)
    return note


async def _locked(session: AsyncSession, actor: Actor, note_id: uuid.UUID) -> tuple[Composition, ServiceRequest]:
    """The draft as it is once nobody else signs it, and its consult, which is locked first, as everywhere."""
    consult_id = await session.scalar(select(Composition.service_request_id).where(Composition.id == note_id))
    if consult_id is None:
        raise NotFound
    consult = await consult_for(session, actor, consult_id, lock=True)
    return await draft_for(session, actor, note_id, lock=True), consult


async def _check(session: AsyncSession, actor: Actor, note: Composition, consult: ServiceRequest, read: _Read) -> None:
    """Whether this draft may be signed now, both of them locked. Raises as `sign_note` says."""
    refuse_signed(note)
    require(consult, actor, Verb.FOLLOW_NOTE if note.related_id else Verb.WRITE_NOTE)
    if not note.related_id:
        await require_conclusive(session, consult)
    if note.related_id:
        await refuse_what_follows(session, actor, await session.get_one(Composition, note.related_id))
    if read != _Read(note.version, tuple(image["id"] for image in note.key_images)):
        raise Conflict("This note was changed after you read it. Read it again before you sign.")
    _refuse_empty(note.sections)
    await require_listed(session, note)


def _refuse_empty(sections: Mapping[str, str]) -> None:
    if not sections.get("opinion", "").strip():
        raise Invalid({"opinion": "Write your opinion before you sign."})


async def _end_work(session: AsyncSession, actor: Actor, consult: ServiceRequest, at: datetime) -> None:
    """The session is over, the time that was kept for it is free, and the task waits for its delivery only."""
    await finish_encounter(session, actor, consult_id=consult.id)
    if consult.appointment is not None and consult.appointment.status is not AppointmentStatus.FULFILLED:
        took_place = consult.appointment.encounter is not None and consult.appointment.encounter.started_at
        consult.appointment.status = AppointmentStatus.FULFILLED if took_place else AppointmentStatus.CANCELLED
    assert consult.task is not None  # `require` saw who owns it
    consult.task.status, consult.task.business_status = TaskStatus.IN_PROGRESS, ""
    consult.task.modified_at = at
