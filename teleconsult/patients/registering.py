"""New patients: somebody with a name, or somebody nobody can identify yet."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, union
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, may, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import Organization
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.patients.birth_dates import OLDEST
from teleconsult.patients.born import born_within
from teleconsult.patients.care import CareReason, open_care_relation
from teleconsult.patients.matching import match_identity
from teleconsult.patients.models import AdministrativeGender, IdentifierStatus, Patient, PatientIdentifier, Person
from teleconsult.patients.names import fold
from teleconsult.patients.national_ids import read_national_id

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
    """The family name of birth."""
    given: str
    gender: AdministrativeGender
    birth_date: date | None = None
    birth_year: int | None = None
    """Where no more of the birth date is known."""
    used_name: str = ""
    birth_place: str = ""
    phone: str = ""
    address: str = ""
    local_number: str = ""
    national_id: str = ""
    number_source: str = ""
    """Where the national number was learnt (`PatientIdentifier.source`)."""


class LooksLike(Conflict):
    """Patients of this establishment have the same name and birth date, or the same national number: `patients`."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        super().__init__("Perhaps this patient is registered already.")
        self.patients = patients


async def register_patient(
    session: AsyncSession, actor: Actor, *, identity: Identity, is_someone_else: bool = False
) -> Patient:
    """Add a patient to the actor's establishment; who may read files treats them from now on.

    Whoever is the same beyond doubt at an establishment that shares is linked; who may be is noted for people to
    compare (`matching`).
    Raises LooksLike unless the actor says that it `is_someone_else`, Invalid for an incomplete identity or a local
    number already given, NotFound for roles that register nobody.
    """
    check_identity(identity)
    await _one_at_a_time(session, actor, identity)
    if not is_someone_else and (candidates := await look_alikes(session, actor, identity=identity)):
        raise LooksLike(candidates)
    patient = await _add(session, actor, identity, reason=CareReason.CONSULTATION)
    await match_identity(session, actor, patient, is_someone_else=is_someone_else)
    is_linked = patient.person_id != patient.own_person_id
    audit.record(session, actor, "patient-registered", patient, patient_id=patient.id, linked=is_linked)
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
    patient = await _add(session, actor, identity, reason=CareReason.EMERGENCY)
    patient.is_temporary = True
    patient.estimated_birth_year = None if estimated_age is None else moment.year - estimated_age
    patient.found_where = found_where.strip()
    audit.record(session, actor, "unknown-patient-registered", patient, patient_id=patient.id)
    await session.flush()
    return patient


async def look_alikes(session: AsyncSession, actor: Actor, *, identity: Identity) -> list[Patient]:
    """Patients of this establishment who are perhaps the same person.

    They have the same name (in either order) and birth date, or carry the same national number.
    """
    require(actor, Permission.PATIENT_REGISTER)
    own = rows.patients_of_house(actor)
    names = {fold(identity.family), fold(identity.given)}
    alike = [
        select(Patient.id).where(
            own,
            _born_alike(identity),
            Patient.family_folded.in_(names),
            Patient.given_folded.in_(names),
        )
    ]
    if number := read_national_id(identity.national_id):
        carriers = select(Patient.id).join(PatientIdentifier, PatientIdentifier.patient_id == Patient.id)
        alike.append(
            carriers.where(
                own,
                PatientIdentifier.system == number.system,
                PatientIdentifier.value == number.value,
                PatientIdentifier.status != IdentifierStatus.WITHDRAWN,
            )
        )
    # a question for each index
    found = await session.scalars(
        select(Patient).where(Patient.id.in_(union(*alike))).order_by(Patient.created_at).limit(5)
    )
    return list(found)


def check_identity(identity: Identity) -> None:
    """Raises Invalid, a sentence a field, for what cannot be a person's identity."""
    errors = {}
    if not fold(identity.family):
        errors["family"] = "Give the family name."
    if not fold(identity.given):
        errors["given"] = "Give the given name."
    for name in ("family", "given", "used_name", "birth_place", "phone", "local_number", "national_id"):
        if len(getattr(identity, name)) > LONGEST:
            errors[name] = "This is too long."
    if len(identity.address) > 500:
        errors["address"] = "This is too long."
    if identity.national_id.strip() and read_national_id(identity.national_id) is None:
        errors["national_id"] = "This is no French, Vietnamese or Québec number. Check it, or leave it empty."
    today = now().date()
    year = identity.birth_date.year if identity.birth_date else identity.birth_year
    if year is not None and not today.year - OLDEST <= year <= today.year:
        errors["birth_date"] = "This birth date cannot be right."
    if identity.birth_date and identity.birth_date > today:
        errors["birth_date"] = "This birth date lies in the future."
    if errors:
        raise Invalid(errors)


async def set_national_id(session: AsyncSession, patient: Patient, national_id: str, *, source: str = "") -> None:
    """Keep the number, unless it is empty or none known here; one of the same authority that stood before is withdrawn.

    A number that was withdrawn stands again, to be checked anew.
    """
    number = read_national_id(national_id)
    if number is None:
        return
    of_authority = select(PatientIdentifier).where(
        PatientIdentifier.patient_id == patient.id, PatientIdentifier.system == number.system
    )
    is_there = False
    for known in await session.scalars(of_authority):
        if known.value != number.value:
            known.status = IdentifierStatus.WITHDRAWN
        else:
            is_there = True
            if known.status is IdentifierStatus.WITHDRAWN:
                known.status = IdentifierStatus.UNVERIFIED
    if not is_there:
        session.add(
            PatientIdentifier(
                patient_id=patient.id,
                system=number.system,
                value=number.value,
                type=number.type,
                source=source,
                recorded_at=now(),
            )
        )


async def _add(session: AsyncSession, actor: Actor, identity: Identity, *, reason: CareReason) -> Patient:
    require(actor, Permission.PATIENT_REGISTER)
    if actor.organization_id is None:
        raise NotFound
    moment = now()
    person = Person(created_at=moment)
    session.add(person)
    await session.flush()
    patient = Patient(
        organization_id=actor.organization_id,
        person_id=person.id,
        local_number=await _local_number(session, actor.organization_id, identity.local_number.strip()),
        family=identity.family.strip(),
        given=identity.given.strip(),
        family_folded=fold(identity.family),
        given_folded=fold(identity.given),
        used_name=identity.used_name.strip(),
        used_name_folded=fold(identity.used_name),
        birth_date=identity.birth_date,
        estimated_birth_year=identity.birth_year,
        birth_place=identity.birth_place.strip(),
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
    await set_national_id(session, patient, identity.national_id, source=identity.number_source)
    if actor.role_id is not None and may(actor, Permission.FILE_READ):
        await open_care_relation(session, actor, patient_id=patient.id, reason=reason)
    return patient


def _born_alike(identity: Identity) -> ColumnElement[bool]:
    """The same birth date, or none either; where the year alone is known, born in it."""
    if identity.birth_year is None:
        return Patient.birth_date == identity.birth_date
    return born_within(date(identity.birth_year, 1, 1), date(identity.birth_year, 12, 31))


async def _one_at_a_time(session: AsyncSession, actor: Actor, identity: Identity) -> None:
    """The same registration sent twice at once waits for itself, and then finds its look-alike."""
    born = identity.birth_date or identity.birth_year
    key = f"{actor.organization_id} {fold(identity.family)} {fold(identity.given)} {born}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def _local_number(session: AsyncSession, organization_id: uuid.UUID, wanted: str) -> str:
    """The wanted number if it is free, or a fresh one: the year and six random digits."""
    for number in [wanted] if wanted else [f"{now():%y}{secrets.randbelow(10**6):06}" for _ in range(10)]:
        taken = select(Patient.id).where(Patient.organization_id == organization_id, Patient.local_number == number)
        if await session.scalar(taken) is None:
            return number
    raise Invalid({"local_number": "Another patient has this number."})
