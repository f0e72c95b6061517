"""Whether the name that the images carry is that of the patient they are brought in for, or filed with."""

from datetime import date

from teleconsult.patients.models import Patient
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
