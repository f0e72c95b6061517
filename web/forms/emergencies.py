"""The few fields of an emergency, and what is noted of it afterwards."""

import uuid
from collections.abc import Mapping

from teleconsult.clock import now
from teleconsult.emergencies.raising import Call, Unknown
from teleconsult.errors import Invalid
from teleconsult.patients.models import AdministrativeGender
from web.bodies import Form
from web.forms.writing import read_measured


def read_call(form: Form) -> Call:
    """What the form says. Raises Invalid beside the fields that cannot be read, all of them at once."""
    wrong: dict[str, str] = {}
    patient: uuid.UUID | Unknown = Unknown()
    try:
        patient = _patient(form)
    except Invalid as error:
        wrong |= error.fields
    try:
        vitals = read_measured(form, at=now())
    except Invalid as error:
        vitals, wrong = [], wrong | error.fields
    if wrong:
        raise Invalid(wrong)
    key, service_id = _id(form.get("key", "")), _id(form.get("service", ""))
    return Call(key or uuid.uuid4(), patient, form.get("what", ""), service_id, vitals)


def read_place(form: Mapping[str, str], name: str) -> uuid.UUID | None:
    """Which establishment or patient was chosen, if any."""
    return _id(form.get(name, ""))


def _patient(form: Form) -> uuid.UUID | Unknown:
    if known := form.get("patient", ""):
        chosen = _id(known)
        if chosen is None:
            raise Invalid({"patient": "Choose from the list."})
        return chosen
    age = form.get("estimated_age", "").strip()
    if age and not (age.isascii() and age.isdigit() and len(age) <= 3):
        raise Invalid({"estimated_age": "Give an age in years, or leave it empty."})
    gender = form.get("gender") or AdministrativeGender.UNKNOWN
    if gender not in set(AdministrativeGender):
        raise Invalid({"gender": "Choose from the list."})
    return Unknown(AdministrativeGender(gender), int(age) if age else None)


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
