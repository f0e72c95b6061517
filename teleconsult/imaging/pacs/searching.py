"""Asking an archive what it has of a request's patient."""

import asyncio
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, may
from teleconsult.access.rows import pacs_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest
from teleconsult.errors import Invalid, NotFound
from teleconsult.imaging.actions import consult_to_fill
from teleconsult.imaging.identity import Difference
from teleconsult.imaging.pacs.answers import Answers, FoundStudy, Key, Wanted
from teleconsult.imaging.pacs.connecting import source_of
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.models import Pacs
from teleconsult.patients.models import IdentifierStatus, Patient, PatientIdentifier
from teleconsult.settings import Settings

PATIENCE: Final = 20.0
"""Seconds that somebody waits for an answer."""
_SEARCHABLE: Final = re.compile(r"[^\\*?\x00-\x1f\x7f]{1,64}")
"""No wildcard, and no separator of values (PS3.5 §6.2, PS3.4 §C.2.2.2.4)."""


@dataclass(frozen=True, slots=True)
class Search:
    """What was found to be asked, by whom and for whom."""

    consult: ServiceRequest
    pacs: Pacs
    wanted: Wanted
    numbers: tuple[str, ...]


async def pacs_asked(session: AsyncSession, actor: Actor) -> Sequence[Pacs]:
    """The archives that who brings images to a request may ask; none for anybody else."""
    if not may(actor, Permission.IMAGES_ADD):
        return ()
    found = await session.scalars(
        select(Pacs).where(pacs_of_house(actor), Pacs.disabled_at.is_(None)).order_by(Pacs.name, Pacs.id)
    )
    return found.all()


async def numbers_of(session: AsyncSession, patient: Patient) -> tuple[str, ...]:
    """The numbers by which the patient is known here, the establishment's own first; those an archive can be asked."""
    known = await session.scalars(
        select(PatientIdentifier.value)
        .where(PatientIdentifier.patient_id == patient.id, PatientIdentifier.status != IdentifierStatus.WITHDRAWN)
        .order_by(PatientIdentifier.recorded_at, PatientIdentifier.id)
    )
    numbers = dict.fromkeys((patient.local_number, *known))
    return tuple(number for number in numbers if _SEARCHABLE.fullmatch(number))


async def begin_search(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, pacs_id: uuid.UUID, number: str, accession: str
) -> Search:
    """Look whether this may be asked, and put it into the log. `accession` goes before `number`.

    Raises as `consult_to_fill`, NotFound for no archive of the actor's establishment, Invalid.
    """
    consult = await consult_to_fill(session, actor, consult_id)
    pacs = await session.scalar(
        select(Pacs).where(Pacs.id == pacs_id, pacs_of_house(actor), Pacs.disabled_at.is_(None))
    )
    if pacs is None:
        raise NotFound
    numbers, typed = await numbers_of(session, consult.patient), accession.strip()
    if typed and not _SEARCHABLE.fullmatch(typed):
        raise Invalid({"accession": "Type the whole accession number, without * or ?."})
    if not typed and number not in numbers:
        raise Invalid({"number": "Choose one of the patient's numbers, or type an accession number."})
    wanted = Wanted(Key.ACCESSION, typed) if typed else Wanted(Key.NUMBER, number)
    audit.record(
        session,
        actor,
        "pacs-searched",
        pacs,
        patient_id=consult.patient_id,
        consult=consult.id,
        by="accession" if typed else "number",
    )
    return Search(consult, pacs, wanted, numbers)


async def carry_out(search: Search, settings: Settings) -> Answers:
    """Ask. Outside of any transaction: somebody else's machine takes its time. Raises PacsFault."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await (await source_of(search.pacs, settings)).studies(search.wanted)
    except TimeoutError as error:
        raise PacsFault(Fault.SILENT) from error


async def test_pacs(pacs: Pacs, settings: Settings) -> None:
    """Ask whether it is there, and does what it is set to. Raises PacsFault."""
    try:
        async with asyncio.timeout(PATIENCE):
            await (await source_of(pacs, settings)).test()
    except TimeoutError as error:
        raise PacsFault(Fault.SILENT) from error


def differences(search: Search, study: FoundStudy) -> tuple[Difference, ...]:
    """In what the archive's patient is not the request's."""
    return study.differences(search.consult.patient, numbers=search.numbers)
