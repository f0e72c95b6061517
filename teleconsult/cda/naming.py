"""Who and what a document names, as instance identifiers (CDA R2 data types, II): the same in every form of a note."""

import uuid
from dataclasses import dataclass
from typing import Final

from teleconsult.cda.header import Identifier
from teleconsult.cda.profiles import Coded, Country
from teleconsult.notes.content import Clinician, NoteContent

URN: Final = "urn:oid:"


@dataclass(frozen=True, slots=True)
class Establishment:
    """Who keeps a document: an establishment, and its number in the country's register where it is known."""

    id: str
    name: str
    register_number: str = ""


def oid_of(number: str) -> str:
    """A UUID as an OID (ITU-T X.667 §7, ISO/IEC 9834-8): unique without anybody's registration."""
    return f"2.25.{uuid.UUID(number).int}"


def patient_numbers(content: NoteContent, country: Country) -> tuple[Identifier, ...]:
    """The patient's numbers, the one to be known by first: a qualified national one, else that of their file.

    A national number that was not checked with the strict traits is never sent (ANS, Référentiel INS), nor one whose
    authority has no OID. PID-3 of HL7 v2 and the patient of an XDS document are the same.
    """
    patient = content.patient
    local = Identifier(oid_of(content.requester.organization_id), patient.local_number)
    national, others = [], []
    for system, value in patient.identifiers:
        if not system.startswith(URN):
            continue
        number = Identifier(system.removeprefix(URN), value)
        if system not in country.national_ids:
            others.append(number)
        elif is_qualified(content, system):
            national.append(number)
    return (*national, local, *others)


def is_qualified(content: NoteContent, system: str) -> bool:
    """Whether the number of that system was checked with the strict traits, of somebody who is known."""
    return system in content.patient.qualified and not content.patient.is_temporary


def qualified_number(content: NoteContent, country: Country) -> Identifier | None:
    """The national number the document carries, if it may."""
    first = patient_numbers(content, country)[0]
    return first if f"{URN}{first.root}" in country.national_ids else None


def practitioner_number(who: Clinician, country: Country) -> Identifier:
    """A doctor's number in the country's directory, else one that names their role here and nothing else."""
    for looks, before in country.practitioner_numbers.items():
        if looks.fullmatch(who.registration_number):
            return Identifier(country.practitioner_oid, before + who.registration_number)
    return Identifier(oid_of(who.role_id), "")


def establishment_number(keeper: Establishment, country: Country) -> Identifier:
    """An establishment's number in the country's register, else ours."""
    if country.establishment_numbers.fullmatch(keeper.register_number):
        return Identifier(country.establishment_oid, country.establishment_prefix + keeper.register_number)
    return Identifier(oid_of(keeper.id), "")


def specialty_of(who: Clinician, country: Country) -> Coded | None:
    """Profession and specialty as the country codes them."""
    return country.specialties.get(who.specialty, country.doctor)


def works_at(who: Clinician) -> Establishment:
    """Where they work, by what the note itself says of it."""
    return Establishment(who.organization_id, who.organization, who.organization_number)
