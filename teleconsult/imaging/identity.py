"""Whether the name that the images carry is that of the patient they are brought in for."""

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
