"""When patients were born, as a condition of a search: by the day, or by the year where it is all that is known."""

from datetime import date

from sqlalchemy import ColumnElement, and_, or_

from teleconsult.patients.models import Patient


def born_within(first: date, last: date) -> ColumnElement[bool]:
    """Born from `first` to `last`, both included; of whom the year alone is known, where all of it lies within.

    An unknown person's year is a guess and finds nobody.
    """
    since = first.year + (first > date(first.year, 1, 1))
    until = last.year - (last < date(last.year, 12, 31))
    year = and_(
        Patient.birth_date.is_(None),
        Patient.is_temporary.is_(False),
        Patient.estimated_birth_year.between(since, until),
    )
    return or_(Patient.birth_date.between(first, last), year)
