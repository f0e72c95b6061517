"""New patients: somebody with a name, or somebody nobody can identify yet."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, may, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import Organization
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.patients.birth_dates import OLDEST
from teleconsult.patients.care import CareReason, open_care_relation
from teleconsult.patients.models import AdministrativeGender, Patient, PatientIdentifier, Person
from teleconsult.patients.names import fold, fold_number

NATIONAL_ID: Final = "https://fhir.infoway-inforoute.ca/NamingSystem/ca-qc-patient-healthcare-id"
"""The identifier system of the national (here: provincial) health number."""
LONGEST: Final = 120

_UNKNOWN: Final = {
    "fr": ("Inconnu", {"male": "Homme", "female": "Femme", "other": "Personne", "unknown": "Personne"}),
    "en": ("Unknown", {"male": "Man", "female": "Woman", "other": "Person", "unknown": "Person"}),
    "vi": ("Vô danh", {"male": "Nam", "female": "Nữ", "other": "Người", "unknown": "Người"}),
}
"""What a person without a name is called, in the establishment's language: part of the record, not of the page."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What is true of a person. Empty text where it is not known."""

    family: str
    given: str
    gender: AdministrativeGender
    birth_date: date | None = None
    phone: str = ""
    address: str = ""
    local_number: str = ""
    national_id: str = ""


class LooksLike(Conflict):
    """Patients of this establishment have the same name and birth date: `patients`."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        super().__init__("A patient with this name and birth date is registered already.")
        self.patients = patients


async def register_patient(
    session: AsyncSession, actor: Actor, *, identity: Identity, is_someone_else: bool = False
) -> Patient:
    """Add a patient to the actor's establishment; who may read files treats them from now on.

    Someone of the same name, birth date and national number at an establishment that shares becomes the same person.
    Raises LooksLike unless the actor says that it `is_someone_else`, Invalid for an incomplete identity or a local
    number already given, NotFound for roles that register nobody.
    """
    check_identity(identity)
    await _one_at_a_time(session, actor, identity)
    if not is_someone_else and (candidates := await look_alikes(session, actor, identity=identity)):
        raise LooksLike(candidates)
    person = await same_person(session, actor, identity)
    patient = await _add(session, actor, identity, person, reason=CareReason.CONSULTATION)
    audit.record(session, actor, "patient-registered", patient, patient_id=patient.id, linked=person is not None)
    return patient


async def register_unknown(
    session: AsyncSession,
    actor: Actor,
    *,
    gender: AdministrativeGender,
    estimated_age: int | None = None,
    found_where: str = "",
) -> Patient:
    """Add somebody nobody can identify, under a name of ours with the hour; treated by who registers them.

    Raises Invalid for an age that nobody has, NotFound for roles that register nobody.
    """
    if estimated_age is not None and not 0 <= estimated_age <= OLDEST:
        raise Invalid({"estimated_age": "Give an age in years, or leave it empty."})
    if len(found_where) > 500:
        raise Invalid({"found_where": "Say it in fewer words."})
    require(actor, Permission.PATIENT_REGISTER)
    organization = await session.get(Organization, actor.organization_id)
    if organization is None:
        raise NotFound
    moment = now()
    family, people = _UNKNOWN.get(organization.locale, _UNKNOWN["en"])
    hour = moment.astimezone(ZoneInfo(organization.time_zone)).strftime("%Y-%m-%d %H:%M")
    identity = Identity(family=family, given=f"{people[gender]} {hour}", gender=gender)
    patient = await _add(session, actor, identity, None, reason=CareReason.EMERGENCY)
    patient.is_temporary = True
    patient.estimated_birth_year = None if estimated_age is None else moment.year - estimated_age
    patient.found_where = found_where.strip()
    audit.record(session, actor, "unknown-patient-registered", patient, patient_id=patient.id)
    await session.flush()
    return patient


async def look_alikes(session: AsyncSession, actor: Actor, *, identity: Identity) -> list[Patient]:
    """Patients of this establishment with the same name (in either order) and birth date: perhaps the same person."""
    require(actor, Permission.PATIENT_REGISTER)
    family, given = fold(identity.family), fold(identity.given)
    found = await session.scalars(
        select(Patient)
        .where(
            rows.patients_of_house(actor),
            Patient.birth_date == identity.birth_date,
            Patient.family_folded.in_({family, given}),
            Patient.given_folded.in_({family, given}),
        )
        .order_by(Patient.created_at)
        .limit(5)
    )
    return list(found)


async def same_person(session: AsyncSession, actor: Actor, identity: Identity) -> uuid.UUID | None:
    """The person known under this national number, name and birth date where the actor's establishment shares."""
    if not identity.national_id or identity.birth_date is None:
        return None
    known: uuid.UUID | None = await session.scalar(
        select(
            func.same_person(
                actor.organization_id,
                NATIONAL_ID,
                fold_number(identity.national_id),
                identity.birth_date,
                fold(identity.family),
            )
        )
    )
    return known


def check_identity(identity: Identity) -> None:
    """Raises Invalid, a sentence a field, for what cannot be a person's identity."""
    errors = {}
    if not fold(identity.family):
        errors["family"] = "Give the family name."
    if not fold(identity.given):
        errors["given"] = "Give the given name."
    for name in ("family", "given", "phone", "local_number", "national_id"):
        if len(getattr(identity, name)) > LONGEST:
            errors[name] = "This is too long."
    if len(identity.address) > 500:
        errors["address"] = "This is too long."
    today = now().date()
    if identity.birth_date and not today.year - OLDEST <= identity.birth_date.year <= today.year:
        errors["birth_date"] = "This birth date cannot be right."
    if identity.birth_date and identity.birth_date > today:
        errors["birth_date"] = "This birth date lies in the future."
    if errors:
        raise Invalid(errors)


async def set_national_id(session: AsyncSession, patient: Patient, national_id: str) -> None:
    """Keep the number, unless it is empty or already there."""
    value = fold_number(national_id)
    known = select(PatientIdentifier.id).where(
        PatientIdentifier.patient_id == patient.id,
        PatientIdentifier.system == NATIONAL_ID,
        PatientIdentifier.value == value,
    )
    if value and await session.scalar(known) is None:
        session.add(PatientIdentifier(patient_id=patient.id, system=NATIONAL_ID, value=value, recorded_at=now()))


async def _add(
    session: AsyncSession, actor: Actor, identity: Identity, person_id: uuid.UUID | None, *, reason: CareReason
) -> Patient:
    require(actor, Permission.PATIENT_REGISTER)
    if actor.organization_id is None:
        raise NotFound
    moment = now()
    if person_id is None:
        person = Person(created_at=moment)
        session.add(person)
        await session.flush()
        person_id = person.id
    patient = Patient(
        organization_id=actor.organization_id,
        person_id=person_id,
        local_number=await _local_number(session, actor.organization_id, identity.local_number.strip()),
        family=identity.family.strip(),
        given=identity.given.strip(),
        family_folded=fold(identity.family),
        given_folded=fold(identity.given),
        birth_date=identity.birth_date,
        gender=identity.gender,
        phone=identity.phone.strip(),
        address=identity.address.strip(),
        created_at=moment,
        updated_at=moment,
        created_by_id=actor.role_id,
    )
    try:
        async with session.begin_nested():
            session.add(patient)
    except IntegrityError as error:  # somebody took the number this very moment
        raise Invalid({"local_number": "Another patient has this number."}) from error
    await set_national_id(session, patient, identity.national_id)
    if may(actor, Permission.FILE_READ):
        await open_care_relation(session, actor, patient_id=patient.id, reason=reason)
    return patient


async def _one_at_a_time(session: AsyncSession, actor: Actor, identity: Identity) -> None:
    """The same registration sent twice at once waits for itself, and then finds its look-alike."""
    key = f"{actor.organization_id} {fold(identity.family)} {fold(identity.given)} {identity.birth_date}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def _local_number(session: AsyncSession, organization_id: uuid.UUID, wanted: str) -> str:
    """The wanted number if it is free, or a fresh one: the year and six random digits."""
    for number in [wanted] if wanted else [f"{now():%y}{secrets.randbelow(10**6):06}" for _ in range(10)]:
        taken = select(Patient.id).where(Patient.organization_id == organization_id, Patient.local_number == number)
        if await session.scalar(taken) is None:
            return number
    raise Invalid({"local_number": "Another patient has this number."})
