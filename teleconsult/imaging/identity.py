"""Whether the name that the images carry is that of the patient they are brought in for, or filed with."""

from datetime import date

from teleconsult.imaging.models import ImagingStudy
from teleconsult.patients.identities import KnownIdentity
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.names import fold


def names_agree(header_name: str, patient: Patient) -> bool:
    """True where every part of the family name, and one of the given ones, stands in the header (PS3.5 6.2.1.1).

    Order, accents, case and punctuation do not count. A header without a name agrees with nobody: then a person
    must say whose images these are.
    """
    words = set(fold(header_name.replace("^", " ").replace("=", " ")).split())
    family, given = set(fold(patient.family).split()), set(fold(patient.given).split())
    return bool(family) and family <= words and (not given or bool(given & words))


def identity_agrees(patient: Patient, *, header_name: str, born: date | None) -> bool:
    """The same, and that no other birth date is told; a date that one of the two leaves open says nothing."""
    is_other_day = born is not None and patient.birth_date is not None and born != patient.birth_date
    return names_agree(header_name, patient) and not is_other_day


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
        gender=AdministrativeGender.UNKNOWN,
        phone="",
        is_temporary=False,
        person_id=study.id,
        numbers=(),
    )
