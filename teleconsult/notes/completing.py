"""Evidence for signed notes, step by step: owed with the signature, completed and later renewed by jobs."""

import asyncio
import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from asn1crypto import pem, x509
from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.filed_entries import tell_revision
from teleconsult.directory.models import PractitionerRole
from teleconsult.notes.co_signing_models import NoteCoSignature
from teleconsult.notes.evidence import current_pdf
from teleconsult.notes.evidence_faults import EvidenceFault, Fault
from teleconsult.notes.evidence_models import EvidenceState, Level, NoteEvidence
from teleconsult.notes.models import Composition, SigningKey
from teleconsult.objects import Objects, new_key
from teleconsult.settings import Settings

FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=6)
RENEW_WITHIN: Final = timedelta(days=90)
"""How long before its last time-stamp's certificate expires a note is stamped anew."""
AT_ONCE: Final = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Owed:
    """What one upgrade begins with."""

    evidence_id: uuid.UUID
    object_key: str
    known: tuple[x509.Certificate, ...]


async def owe_evidence(session: AsyncSession, composition_id: uuid.UUID, *, number: int) -> NoteEvidence:
    """A revision that is to come, from now on."""
    owed = _to_come(composition_id, number)
    session.add(owed)
    await session.flush()
    return owed


async def complete_evidence(sessions: Sessions, settings: Settings, objects: Objects, *, note_id: uuid.UUID) -> None:
    """Make the revision a note is owed, where one is due; however often this is called, each is made once.

    What stands in the way is noted on the row, and the next attempt put off; nothing is raised for it.
    """
    from teleconsult.notes.upgrading import upgrade
    from teleconsult.notes.verifying import trusted_roots

    async with transaction(sessions, SYSTEM) as session:
        owed = await _take(session, note_id)
    if owed is None:
        return
    try:
        pdf, roots = await objects.get(owed.object_key), trusted_roots(settings.trust_folder)
        better = await asyncio.to_thread(
            upgrade, pdf, clocks=settings.timestamp_addresses, roots=roots, known=owed.known
        )
    except Exception as error:  # an answer nobody foresaw is put off, too: no note stands before all others for ever
        fault = error.fault if isinstance(error, EvidenceFault) else Fault.UNFORESEEN
        log.warning("notes.evidence_put_off", note=str(note_id), fault=fault, error=type(error).__name__)
        async with transaction(sessions, SYSTEM) as session:
            await _put_off(session, owed.evidence_id, fault)
        return
    object_key = new_key("note")
    await objects.put(object_key, better.pdf)
    async with transaction(sessions, SYSTEM) as session:
        row = await _locked(session, owed.evidence_id)
        if row is None:  # another worker was as fast
            await objects.delete(object_key)
            return
        row.state, row.level, row.object_key = EvidenceState.COMPLETE, better.level, object_key
        row.sha256, row.size = hashlib.sha256(better.pdf).digest(), len(better.pdf)
        row.sha1 = hashlib.sha1(better.pdf, usedforsecurity=False).digest()
        row.renew_before, row.completed_at, row.failure = better.renew_before, now(), ""
        await session.execute(
            update(NoteEvidence)
            .where(NoteEvidence.composition_id == row.composition_id, NoteEvidence.number < row.number)
            .values(renew_before=None)
        )
        note = await session.get_one(Composition, row.composition_id, with_for_update={"key_share": True})
        audit.record(session, SYSTEM, "note-evidence-added", note, patient_id=note.patient_id, level=better.level.value)
        await session.flush()
        await tell_revision(session, SYSTEM, note, await current_pdf(session, note))
        if better.fault is not None:
            following = await owe_evidence(session, row.composition_id, number=row.number + 1)
            following.failure, following.next_try_at = better.fault.value, now() + FIRST_WAIT


async def due_notes(session: AsyncSession) -> list[uuid.UUID]:
    """Notes whose revision should be tried again now, the longest waiting first."""
    query = (
        select(NoteEvidence.composition_id)
        .where(NoteEvidence.state == EvidenceState.PENDING, NoteEvidence.next_try_at <= now())
        .order_by(NoteEvidence.next_try_at)
        .limit(AT_ONCE)
    )
    return list(await session.scalars(query))


async def owe_renewals(session: AsyncSession, *, at: datetime) -> int:
    """A new time-stamp is owed where the last one's certificate expires soon; how many. Some at a time."""
    other = aliased(NoteEvidence)
    query = (
        select(NoteEvidence.composition_id, NoteEvidence.number)
        .where(
            NoteEvidence.renew_before < at + RENEW_WITHIN,
            NoteEvidence.state == EvidenceState.COMPLETE,
            ~exists().where(other.composition_id == NoteEvidence.composition_id, other.number > NoteEvidence.number),
        )
        .order_by(NoteEvidence.renew_before)
        .limit(AT_ONCE)
    )
    return await _owe_next(session, [(row[0], row[1]) for row in await session.execute(query)])


async def owe_first_evidence(session: AsyncSession) -> int:
    """The same for notes that were signed, or co-signed, while there was no time-stamp authority."""
    other = aliased(NoteEvidence)
    query = (
        select(NoteEvidence.composition_id, NoteEvidence.number)
        .where(
            NoteEvidence.level == Level.B_B,
            NoteEvidence.state == EvidenceState.COMPLETE,
            ~exists().where(other.composition_id == NoteEvidence.composition_id, other.number > NoteEvidence.number),
        )
        .limit(AT_ONCE)
    )
    return await _owe_next(session, [(row[0], row[1]) for row in await session.execute(query)])


async def _owe_next(session: AsyncSession, newest: Iterable[tuple[uuid.UUID, int]]) -> int:
    owed = [_to_come(composition_id, number + 1) for composition_id, number in newest]
    session.add_all(owed)
    await session.flush()
    return len(owed)


def _to_come(composition_id: uuid.UUID, number: int) -> NoteEvidence:
    moment = now()
    return NoteEvidence(
        id=uuid.uuid4(),
        composition_id=composition_id,
        number=number,
        level=Level.B_LTA,
        state=EvidenceState.PENDING,
        created_at=moment,
        next_try_at=moment,
    )


async def _take(session: AsyncSession, note_id: uuid.UUID) -> _Owed | None:
    row = await session.scalar(
        select(NoteEvidence).where(NoteEvidence.composition_id == note_id, NoteEvidence.state == EvidenceState.PENDING)
    )
    if row is None:
        return None
    note = await session.get_one(Composition, note_id)
    co_signed = select(NoteCoSignature.practitioner_role_id).where(NoteCoSignature.composition_id == note.id)
    signers = select(PractitionerRole.practitioner_id).where(
        or_(PractitionerRole.id == note.author_role_id, PractitionerRole.id.in_(co_signed))
    )
    chains = await session.scalars(select(SigningKey.certificate).where(SigningKey.practitioner_id.in_(signers)))
    known = [
        x509.Certificate.load(der)
        for chain in chains
        if chain
        for _, _, der in pem.unarmor(chain.encode(), multiple=True)
    ]
    newest = await current_pdf(session, note)
    return _Owed(row.id, newest.object_key, tuple(known))


async def _put_off(session: AsyncSession, evidence_id: uuid.UUID, fault: Fault) -> None:
    row = await _locked(session, evidence_id)
    if row is None:
        return
    row.attempts += 1
    row.failure = fault.value
    if fault.most_attempts is not None and row.attempts >= fault.most_attempts:
        row.state, row.next_try_at = EvidenceState.FAILED, None
        log.error("notes.evidence_given_up", note=str(row.composition_id), fault=fault)
        return
    row.next_try_at = now() + min(FIRST_WAIT * 2 ** min(row.attempts - 1, 12), LONGEST_WAIT)


async def given_up(session: AsyncSession) -> dict[str, int]:
    """How many revisions were given up, by the code of what stood in their way."""
    failed = NoteEvidence.state == EvidenceState.FAILED
    counted = select(NoteEvidence.failure, func.count()).where(failed).group_by(NoteEvidence.failure)
    return {row[0]: row[1] for row in await session.execute(counted)}


async def try_again(session: AsyncSession) -> int:
    """Owe once more what was given up, for an administrator who has set right what stood in its way; how many.

    A signer who had been revoked stays so.
    """
    given_up = (
        update(NoteEvidence)
        .where(NoteEvidence.state == EvidenceState.FAILED, NoteEvidence.failure != Fault.REVOKED)
        .values(state=EvidenceState.PENDING, attempts=0, next_try_at=now())
        .returning(NoteEvidence.id)
    )
    return len((await session.scalars(given_up)).all())


async def _locked(session: AsyncSession, evidence_id: uuid.UUID) -> NoteEvidence | None:
    """The row, while it is still pending."""
    return await session.scalar(
        select(NoteEvidence)
        .where(NoteEvidence.id == evidence_id, NoteEvidence.state == EvidenceState.PENDING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
