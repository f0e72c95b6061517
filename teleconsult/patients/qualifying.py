"""How far a patient's numbers are trusted: typed, checked, or taken back."""

import uuid
from datetime import date
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.patients.matching import match_identity
from teleconsult.patients.models import IdentifierStatus, Patient, PatientIdentifier
from teleconsult.patients.national_ids import INSEE_PLACE, KNOWN, NIA, NIR, Doubt, NationalId, Traits, doubts
from teleconsult.patients.queries import patient_to_identify

LONGEST: Final = 120


def traits_of(patient: Patient) -> Traits:
    """The strict traits of a patient."""
    return Traits(patient.family, patient.given, patient.gender, patient.birth_date, patient.birth_place)


def is_national(number: PatientIdentifier) -> bool:
    """Whether an authority known here gave it, and it stands."""
    return number.system in KNOWN and number.status is not IdentifierStatus.WITHDRAWN


def doubts_about(patient: Patient, number: PatientIdentifier) -> list[Doubt]:
    """What the number says otherwise than the patient's traits."""
    return doubts(NationalId(number.system, number.value), traits_of(patient))


async def number_for(session: AsyncSession, actor: Actor, number_id: uuid.UUID) -> tuple[Patient, PatientIdentifier]:
    """A number and its patient, to be changed. Raises NotFound and Forbidden as `patient_to_identify` does."""
    number = await session.scalar(select(PatientIdentifier).where(PatientIdentifier.id == number_id))
    if number is None:
        raise NotFound
    patient = await patient_to_identify(session, actor, number.patient_id)
    await session.refresh(number, with_for_update=True)
    return patient, number


async def qualify_number(
    session: AsyncSession, actor: Actor, *, number_id: uuid.UUID, source: str, issued_on: date | None = None
) -> PatientIdentifier:
    """Say that a number was checked, and against what: a document, issued when, or its authority's own service.

    Raises NotFound and Forbidden as `patient_to_identify` does, Refused while a strict trait is missing or the number
    contradicts one, Invalid without a source.
    """
    patient, number = await number_for(session, actor, number_id)
    if number.status is IdentifierStatus.WITHDRAWN:
        raise Refused("This number was withdrawn. Write it again in the identity first.")
    if not 3 <= len(source.strip()) <= LONGEST:
        raise Invalid({"source": "Say what was checked: which document, or which service."})
    if issued_on and issued_on > now().date():
        raise Invalid({"issued_on": "This date lies in the future."})
    if not traits_of(patient).are_strict:
        raise Refused("Complete the names, birth date, sex and birth place first.")
    if number.system in (NIR, NIA) and not INSEE_PLACE.fullmatch(patient.birth_place.upper()):
        raise Refused("A French number needs the INSEE code of the birth place, such as 75056.")
    if doubts_about(patient, number):
        raise Refused("The number does not fit the identity. Correct one of them first.")
    number.status, number.source, number.issued_on = IdentifierStatus.QUALIFIED, source.strip(), issued_on
    patient.updated_at = now()
    audit.record(session, actor, "number-qualified", number, patient_id=patient.id)
    await match_identity(session, actor, patient)
    return number


async def withdraw_number(session: AsyncSession, actor: Actor, *, number_id: uuid.UUID) -> PatientIdentifier:
    """Say that a number is not this patient's: it stays with the file, and links nobody any more.

    Raises NotFound and Forbidden as `patient_to_identify` does, Refused the second time.
    """
    patient, number = await number_for(session, actor, number_id)
    if number.status is IdentifierStatus.WITHDRAWN:
        raise Refused("This number was withdrawn already.")
    number.status = IdentifierStatus.WITHDRAWN
    patient.updated_at = now()
    audit.record(session, actor, "number-withdrawn", number, patient_id=patient.id)
    await session.flush()
    return number


async def doubt_numbers(session: AsyncSession, patient: Patient) -> None:
    """What was checked with other traits has to be checked again."""
    await session.execute(
        update(PatientIdentifier)
        .where(PatientIdentifier.patient_id == patient.id, PatientIdentifier.status == IdentifierStatus.QUALIFIED)
        .values(status=IdentifierStatus.UNVERIFIED)
    )
