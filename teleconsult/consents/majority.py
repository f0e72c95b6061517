"""From what age people agree for themselves."""

from datetime import date
from typing import Final

from teleconsult.patients.birth_dates import AgeUnit, age_on
from teleconsult.patients.models import Patient

OF_AGE: Final = 18
"""Years, as in most countries. Quebec lets a minor agree to care from 14 on (Civil Code, art. 14): establishments do
not say yet in which country they are, and the pages only remind of it, they stop nobody.
"""


def is_minor(patient: Patient, *, on: date) -> bool:
    """Whether the patient is younger than that; not where nobody knows the age."""
    age = age_on(on, patient.birth_date, patient.estimated_birth_year)
    return age is not None and (age.unit is not AgeUnit.YEARS or age.value < OF_AGE)
