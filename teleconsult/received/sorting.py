"""Whose documents these are, a person says: likely patients beside what the mail says, or that they are not ours.

A number that fits proposes a patient and no more (RNIV; ANS, socle MSSanté: an identity that is not qualified is
compared by eye). Who registers patients says whose they are; the system files them, once the app has looked who asks.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, may, require
from teleconsult.access.rows import received_messages
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.cda.filing import number_of
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.errors import Conflict, NotFound, Refused
from teleconsult.imaging.identity import identity_differences
from teleconsult.patients.identities import KnownIdentity
from teleconsult.patients.linking import check_reason
from teleconsult.patients.matching import LEAST, WEIGHTS, Sign, signs_of
from teleconsult.patients.models import AdministrativeGender, IdentifierStatus, Patient, PatientIdentifier
from teleconsult.patients.names import fold_number
from teleconsult.patients.queries import patient_for
from teleconsult.patients.searching import search_patients
from teleconsult.received.answering import owe_answer
from teleconsult.received.models import ReceivedMessage, ReceivedStatus
from teleconsult.records.actions import file_entry
from teleconsult.records.documents import Document
from teleconsult.records.identifying import keep_numbers, numbered
from teleconsult.records.models import Origin

PAGE: Final = 50
MOST_CANDIDATES: Final = 8
MOST_COUNTED: Final = 100
OPEN: Final = (ReceivedStatus.WAITING, ReceivedStatus.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient of the house whom the documents may be about, and what speaks for it and against it."""

    patient: Patient
    signs: tuple[Sign, ...]

    @property
    def is_proposed(self) -> bool:
        """A number of theirs is the one in the mail, and nothing speaks against it."""
        return Sign.SAME_NUMBER in self.signs and not self.contradictions

    @property
    def contradictions(self) -> tuple[Sign, ...]:
        """What speaks against it."""
        return tuple(sign for sign in self.signs if WEIGHTS[sign] < 0)

    @property
    def score(self) -> int:
        """How near they are; only good for an order."""
        return sum(WEIGHTS[sign] for sign in self.signs)


@dataclass(frozen=True, slots=True)
class ToFile:
    """A document of the message, opened, under the id that its entry will have."""

    entry_id: uuid.UUID
    document: Document
    title: str
    at: datetime


async def received_here(session: AsyncSession, actor: Actor, *, status: ReceivedStatus) -> Sequence[ReceivedMessage]:
    """What came to the actor's establishment and stands so, 50 at most; what waits the oldest first. NotFound."""
    require(actor, Permission.RECEIVED_SORT)
    order = ReceivedMessage.received_at
    found = await session.scalars(
        select(ReceivedMessage)
        .where(received_messages(actor), ReceivedMessage.status == status)
        .order_by(order if status is ReceivedStatus.WAITING else order.desc(), ReceivedMessage.id)
        .limit(PAGE)
    )
    return found.all()


async def waiting_messages(session: AsyncSession, actor: Actor) -> int:
    """How many wait, counted to 100. 0 for who sorts none."""
    if not may(actor, Permission.RECEIVED_SORT):
        return 0
    some = (
        select(ReceivedMessage.id)
        .where(received_messages(actor), ReceivedMessage.status == ReceivedStatus.WAITING)
        .limit(MOST_COUNTED)
        .subquery()
    )
    return await session.scalar(select(func.count()).select_from(some)) or 0


async def received_for(session: AsyncSession, actor: Actor, message_id: uuid.UUID) -> ReceivedMessage:
    """One of them; its look is kept. Raises NotFound, also for another establishment's."""
    require(actor, Permission.RECEIVED_SORT)
    message = await session.scalar(
        select(ReceivedMessage).where(ReceivedMessage.id == message_id, received_messages(actor))
    )
    if message is None:
        raise NotFound
    audit.record(session, actor, "message-looked-at", message, patient_id=message.patient_id)
    return message


def identity_in(message: ReceivedMessage) -> KnownIdentity:
    """Who the documents say they are about, to be compared with patients."""
    told = message.told
    born = told.get("birth_date") or ""
    return KnownIdentity(
        patient_id=message.id,
        organization_id=message.organization_id,
        organization="",
        local_number=told.get("patient_id", {}).get("extension", ""),
        family=told.get("family", ""),
        given=told.get("given", ""),
        used_name="",
        birth_date=_day(born),
        birth_place="",
        gender=AdministrativeGender(told.get("gender") or "unknown"),
        phone="",
        is_temporary=False,
        person_id=message.id,
        numbers=(),
    )


def numbers_in(message: ReceivedMessage) -> frozenset[tuple[str, str]]:
    """Authority (an OID, or nothing) and number of everything the documents call the patient by."""
    told = message.told
    said = [told.get("patient_id", {}), *told.get("identifiers", [])]
    return frozenset((one.get("root", ""), fold_number(one.get("extension", ""))) for one in said if one)


async def candidates_for(session: AsyncSession, actor: Actor, message: ReceivedMessage) -> list[Candidate]:
    """Patients of the house by number, name or birth date, the nearest first; at most 8. Raises NotFound."""
    require(actor, Permission.PATIENT_REGISTER)
    said, numbers = identity_in(message), numbers_in(message)
    born = said.birth_date.isoformat() if said.birth_date else ""
    texts = [number for _root, number in sorted(numbers)][:5]
    texts += [f"{said.family} {said.given.partition(' ')[0]}", born]
    found: dict[uuid.UUID, Patient] = {}
    for text in filter(str.strip, texts):
        found |= {patient.id: patient for patient in (await search_patients(session, actor, text=text)).patients}
    holders = await _holders(session, list(found), numbers)
    candidates = []
    for patient in found.values():
        has_number = patient.id in holders or fold_number(patient.local_number) in {number for _r, number in numbers}
        one = Candidate(patient, (*((Sign.SAME_NUMBER,) if has_number else ()), *signs_of(patient, said)))
        if has_number or one.score >= LEAST:
            candidates.append(one)
    return sorted(candidates, key=lambda one: (-one.score, one.patient.name))[:MOST_CANDIDATES]


async def file_message(
    session: AsyncSession,
    actor: Actor,
    *,
    message_id: uuid.UUID,
    patient_id: uuid.UUID,
    documents: Sequence[ToFile],
    reason: str = "",
) -> ReceivedMessage:
    """Say that the documents are about this patient of the house: they are filed with them, for good.

    `documents` are all of the message, whose bytes are kept already. What is in the file by its number is not filed
    again. Where they name somebody else, `reason` says why. Raises NotFound, Invalid on `reason`, Conflict where a
    document stands in another patient's file, Refused where somebody was faster.
    """
    require(actor, Permission.PATIENT_REGISTER)
    message = await received_for(session, actor, message_id)
    patient = await patient_for(session, actor, patient_id)
    said = identity_in(message)
    sex = {"male": "M", "female": "F"}.get(said.gender.value, "")
    differs = bool(
        identity_differences(patient, header_name=f"{said.family}^{said.given}", born=said.birth_date, sex=sex)
    )
    if differs:
        check_reason(reason)
    await act_as(session, SYSTEM)  # what is nobody's, nobody may change
    message = await _locked(session, message_id, ReceivedStatus.WAITING)
    filed = [entry for one in documents if (entry := await _file(session, actor, message, patient, one)) is not None]
    message.status, message.patient_id = ReceivedStatus.FILED, patient.id
    message.reason = reason.strip() if differs else ""
    message.decided_by_id, message.decided_at = actor.role_id, now()
    await owe_answer(session, message)
    await session.flush()
    await act_as(session, actor)
    audit.record(
        session,
        actor,
        "message-filed",
        message,
        patient_id=patient.id,
        documents=len(filed),
        identity_differs=differs,
        reason=reason.strip(),
    )
    return message


async def reject_message(session: AsyncSession, actor: Actor, *, message_id: uuid.UUID, reason: str) -> ReceivedMessage:
    """Say that it is not for us, and why. Raises NotFound, Invalid on `reason`, Refused where somebody was faster."""
    await received_for(session, actor, message_id)
    check_reason(reason)
    await act_as(session, SYSTEM)
    message = await _locked(session, message_id, *OPEN)
    message.status, message.reason = ReceivedStatus.REJECTED, reason.strip()
    message.decided_by_id, message.decided_at = actor.role_id, now()
    await owe_answer(session, message)
    await session.flush()
    await act_as(session, actor)
    audit.record(session, actor, "message-rejected", message, reason=reason.strip())
    return message


async def _file(
    session: AsyncSession, actor: Actor, message: ReceivedMessage, patient: Patient, one: ToFile
) -> uuid.UUID | None:
    """The entry's id; None where the document is in the patient's file already."""
    number = number_of(one.document.told) if one.document.told else None
    if number is not None:
        turn = func.hashtextextended(f"{actor.organization_id} {number}", 0)
        await session.execute(select(func.pg_advisory_xact_lock(turn)))
        known = (await session.execute(numbered(actor, [number]).limit(1))).first()
        if known is not None and known.RecordEntry.patient_id != patient.id:
            raise Conflict("This document stands in another patient's file already.")
        if known is not None:
            return None
    entry = await file_entry(
        session,
        actor,
        patient_id=patient.id,
        resource=one.document.resource(one.entry_id, title=one.title, at=one.at),
        title=one.title,
        effective_at=one.at,
        author_name=(one.document.told.author if one.document.told else "") or message.sender,
        origin=Origin.CDA,
        source=message.sender,
        entry_id=one.entry_id,
    )
    if number is not None:
        await keep_numbers(session, entry, numbers=[number])
    return entry.id


async def _holders(
    session: AsyncSession, patients: Sequence[uuid.UUID], numbers: frozenset[tuple[str, str]]
) -> set[uuid.UUID]:
    """Those of the patients to whom an authority gave one of these numbers, that authority's own."""
    if not patients or not numbers:
        return set()
    found = await session.execute(
        select(PatientIdentifier.patient_id, PatientIdentifier.system, PatientIdentifier.value).where(
            PatientIdentifier.patient_id.in_(patients), PatientIdentifier.status != IdentifierStatus.WITHDRAWN
        )
    )
    return {
        patient_id
        for patient_id, system, value in found
        if (system.removeprefix("urn:oid:"), fold_number(value)) in numbers
    }


async def _locked(session: AsyncSession, message_id: uuid.UUID, *statuses: ReceivedStatus) -> ReceivedMessage:
    message = await session.scalar(
        select(ReceivedMessage)
        .where(ReceivedMessage.id == message_id, ReceivedMessage.status.in_(statuses))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if message is None:
        raise Refused("Somebody has dealt with this message meanwhile.")
    return message


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
