"""The forms of a patient: from fields to the arguments of the actions."""

import uuid
from datetime import date, timedelta
from typing import Final

from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound
from teleconsult.patients.birth_dates import find_birth_date, period_in
from teleconsult.patients.elsewhere import Search
from teleconsult.patients.models import AdministrativeGender
from teleconsult.patients.names import fold_number
from teleconsult.patients.registering import Identity
from teleconsult.patients.scanning import CARD, Card
from web.bodies import Form
from web.forms.numbers import read_number

TEXTS = ("family", "given", "used_name", "birth_place", "phone", "address", "local_number", "national_id")
A_CENTURY: Final = timedelta(days=36525)


def read_identity(form: Form) -> Identity:
    """Who somebody is. Raises Invalid for a birth date or a sex that cannot be read."""
    texts = {name: form.get(name, "").strip() for name in TEXTS}
    birth_date, birth_year = _born(form.get("birth_date", ""))
    is_of_card = fold_number(texts["national_id"]) == form.get("scanned_id")
    return Identity(
        gender=_gender(form, "gender"),
        birth_date=birth_date,
        birth_year=birth_year,
        number_source=CARD if is_of_card else "",
        **texts,
    )


def fields_of_card(card: Card) -> dict[str, str]:
    """What the form of a new patient begins with when a card was read."""
    return {
        "family": card.family,
        "given": card.given,
        "gender": card.gender,
        "birth_date": card.birth_date.strftime("%d/%m/%Y") if card.birth_date else "",
        "birth_place": card.birth_place,
        "address": card.address,
        "national_id": card.number.value,
        "scanned_id": card.number.value,
    }


def read_unknown(form: Form) -> tuple[AdministrativeGender, int | None, str]:
    """Sex, estimated age in years, and where somebody was found. Raises Invalid."""
    typed = form.get("estimated_age", "").strip()
    age = read_number(typed, digits=3)
    if typed and age is None:
        raise Invalid({"estimated_age": "Give an age in years, or leave it empty."})
    return _gender(form, "unknown_gender"), age, form.get("found_where", "")


def read_patient_id(form: Form) -> uuid.UUID:
    """Whom a form is about. Raises NotFound for what is no id, as for one nobody has."""
    try:
        return uuid.UUID(form.get("patient_id", ""))
    except ValueError as error:
        raise NotFound from error


def read_search(form: Form) -> Search:
    """Whom somebody asks for at another establishment. Raises Invalid for a birth date that cannot be read."""
    try:
        organization_id = uuid.UUID(form["organization"]) if form.get("organization") else None
    except ValueError as error:
        raise Invalid({"organization": "Choose from the list."}) from error
    return Search(
        organization_id=organization_id,
        local_number=form.get("local_number", "").strip(),
        family=form.get("family", "").strip(),
        birth_date=_birth_date(form.get("birth_date", "")),
    )


def read_known(form: Form) -> uuid.UUID:
    """Which known patient an unknown one turned out to be. Raises Invalid."""
    try:
        return uuid.UUID(form.get("known_id", ""))
    except ValueError as error:
        raise Invalid({"known_id": "Choose a patient whose identity is known."}) from error


def _gender(form: Form, name: str) -> AdministrativeGender:
    try:
        return AdministrativeGender(form.get(name) or AdministrativeGender.UNKNOWN)
    except ValueError as error:
        raise Invalid({name: "Choose from the list."}) from error


def _born(typed: str) -> tuple[date | None, int | None]:
    """The birth date, or the year alone where no more is known."""
    period = period_in(typed.strip(), today=now().date())
    return (None, period[0].year) if period else (_birth_date(typed), None)


def _birth_date(typed: str) -> date | None:
    if not typed.strip():
        return None
    today = now().date()
    found, rest = find_birth_date(typed, today=today)
    if found is None and find_birth_date(typed, today=today + A_CENTURY)[0]:
        raise Invalid({"birth_date": "This date is yet to come. Look at the year again."})
    if period_in(typed.strip(), today=today):
        raise Invalid({"birth_date": "Give the whole date."})
    if found is None or rest.strip():
        raise Invalid({"birth_date": "Write the birth date as day, month, year: 14/03/1951."})
    return found
