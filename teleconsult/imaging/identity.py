"""Whether the identity that the images carry is that of the patient they are brought in for, or filed with."""

from datetime import date
from enum import StrEnum
from typing import Final

from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.models import ImagingStudy
from teleconsult.patients.identities import KnownIdentity
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.names import fold

_SEXES: Final = {"M": AdministrativeGender.MALE, "F": AdministrativeGender.FEMALE}
"""As images write them (PS3.3 C.7.1.1)."""


class Difference(StrEnum):
    """In what the patient whom somebody else tells of is not ours."""

    NAME = "name"
    BIRTH_DATE = "birth-date"
    SEX = "sex"
    NUMBER = "number"


def names_agree(header_name: str, patient: Patient) -> bool:
    """True where every part of the family name, and one of the given ones, stands in the header (PS3.5 6.2.1.1).

    Order, accents, case and punctuation do not count. A header without a name agrees with nobody: then a person
    must say whose images these are.
    """
    words = set(fold(header_name.replace("^", " ").replace("=", " ")).split())
    family, given = set(fold(patient.family).split()), set(fold(patient.given).split())
    return bool(family) and family <= words and (not given or bool(given & words))


def identity_differences(
    patient: Patient, *, header_name: str, born: date | None, sex: str = ""
) -> tuple[Difference, ...]:
    """In what images that tell this name, birth date and sex (M, F or neither) are not of this patient.

    A day or a sex that one of the two leaves open says nothing; the number is not compared, others give their own.
    """
    found = []
    if not names_agree(header_name, patient):
        found.append(Difference.NAME)
    if born is not None and patient.birth_date is not None and born != patient.birth_date:
        found.append(Difference.BIRTH_DATE)
    if sex in _SEXES and patient.gender in _SEXES.values() and _SEXES[sex] is not patient.gender:
        found.append(Difference.SEX)
    return tuple(found)


def differences_in(study: ImagingStudy, patient: Patient) -> tuple[Difference, ...]:
    """The same of a study that is kept."""
    return identity_differences(
        patient, header_name=study.header_patient_name, born=study.header_birth_date, sex=study.header_sex
    )


def differences_of(header: InstanceHeader, patient: Patient) -> tuple[Difference, ...]:
    """The same of an image that arrives."""
    return identity_differences(patient, header_name=header.patient_name, born=header.birth_date, sex=header.sex)


def told_gender(sex: str) -> AdministrativeGender:
    """What images write, as R4 has it."""
    return _SEXES.get(sex, AdministrativeGender.UNKNOWN)


def identity_in(study: ImagingStudy) -> KnownIdentity:
    """Who the images say they are of, to be compared with patients (PS3.5 6.2.1.1: family^given^middle…=…)."""
    family, _caret, given = study.header_patient_name.partition("=")[0].partition("^")
    return KnownIdentity(
        patient_id=study.id,
        organization_id=study.organization_id,
        organization="",
        local_number=study.header_patient_id,
        family=" ".join(family.split()),
        given=" ".join(given.replace("^", " ").split()),
        used_name="",
        birth_date=study.header_birth_date,
        birth_place="",
        gender=told_gender(study.header_sex),
        phone="",
        is_temporary=False,
        person_id=study.id,
        numbers=(),
    )
