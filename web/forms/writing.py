"""The forms by which somebody writes into a file: from fields to resources, and from an entry back to its fields."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlencode

from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound
from teleconsult.records.cataloguing import DocumentKind, catalogued, kind_of
from teleconsult.records.elements import kept_type
from teleconsult.records.models import RecordEntry, ResourceType
from teleconsult.records.statements import (
    Allergy,
    AllergyCategory,
    AllergyStatus,
    Certainty,
    Criticality,
    Medicine,
    MedicineStatus,
    Problem,
    ProblemStatus,
    Statement,
)
from teleconsult.records.vitals import PARTS_OF, SCALES, VitalSign, checked_values, measured, observation
from teleconsult.records.writing import Written, check_time
from teleconsult.scheduling.local_times import local_from_moment, moment_from_local
from web import csrf
from web.bodies import Form
from web.record_words import part_name
from web.words import label

Code = TypeVar("Code", bound=StrEnum)
LONGEST_NUMBER: Final = 12


class Sheet(StrEnum):
    """What can be written by hand."""

    VITALS = "vitals"
    PROBLEM = "problem"
    ALLERGY = "allergy"
    MEDICINE = "medicine"
    DOCUMENT = "document"
    """Only to be called otherwise; a new one comes with its file."""


_STATEMENT_OF: Final[Mapping[Sheet, type[Problem | Allergy | Medicine]]] = {
    Sheet.PROBLEM: Problem,
    Sheet.ALLERGY: Allergy,
    Sheet.MEDICINE: Medicine,
}


def sheet_in(text: str) -> Sheet:
    """Which form of something new is meant. Raises NotFound for none of ours."""
    try:
        sheet = Sheet(text)
    except ValueError as error:
        raise NotFound from error
    if sheet is Sheet.DOCUMENT:
        raise NotFound
    return sheet


def sheet_of(entry: RecordEntry) -> Sheet | None:
    """The form that can change an entry; None for one that says what no form of ours could."""
    if entry.resource_type is ResourceType.OBSERVATION:
        return Sheet.VITALS if measured(entry.resource) else None
    if entry.resource_type is ResourceType.DOCUMENT_REFERENCE:
        return Sheet.DOCUMENT if kept_type(entry.resource) else None
    sheet = next((sheet for sheet, kind in _STATEMENT_OF.items() if kind.kind is entry.resource_type), None)
    try:
        return sheet if sheet and _STATEMENT_OF[sheet].read(entry.resource) else None
    except ValueError:
        return None


def read_key(form: Form) -> uuid.UUID:
    """A name for what was sent: the same form sent twice with the same words has the same. Raises Invalid."""
    try:
        drawn = uuid.UUID(form.get("key", ""))
    except ValueError as error:
        raise Invalid({"": "The form could not be read. Reload the page and try again."}) from error
    return uuid.uuid5(drawn, urlencode(sorted((name, text) for name, text in form.items() if name != csrf.FIELD)))


def read_written(form: Form, sheet: Sheet, zone: str, *, was: RecordEntry | None = None) -> list[Written]:
    """What the form says, as entries; of a change, `was` is what stood before. Raises Invalid beside the fields."""
    if sheet is Sheet.VITALS:
        return _vitals(form, zone, was)
    if sheet is Sheet.DOCUMENT and was is not None:
        return [_document(form, zone, was)]
    statement = _statement(form, sheet)
    statement.check()
    at = was.effective_at if was else now()
    resource = statement.resource(was=was.resource if was else {}, at=at)
    return [Written(resource=resource, title=statement.name, effective_at=at)]


def fields_of(entry: RecordEntry, zone: str) -> dict[str, str]:
    """What the form of an entry begins with. The entry has a `sheet_of`."""
    found = measured(entry.resource)
    if found:
        return {"time": local_from_moment(entry.effective_at, zone)} | {
            name: f"{value:g}" for name, value in found[1].items()
        }
    sheet = sheet_of(entry)
    assert sheet is not None
    if sheet is Sheet.DOCUMENT:
        time = local_from_moment(entry.effective_at, zone)
        return {"title": entry.title, "kind": kind_of(entry.resource) or "", "time": time}
    said = _STATEMENT_OF[sheet].read(entry.resource)
    return {name: str(getattr(said, name) or "") for name in said.__dataclass_fields__}


def parts_of(entry: RecordEntry) -> tuple[str, ...]:
    """The fields of the sign that an entry measures: a change keeps to it."""
    found = measured(entry.resource)
    return PARTS_OF[found[0]] if found else ()


def read_kind(form: Mapping[str, str]) -> DocumentKind | None:
    """What a document is said to be; None where nothing is. Raises Invalid."""
    try:
        return DocumentKind(form["kind"]) if form.get("kind") else None
    except ValueError as error:
        raise Invalid({"kind": "Choose from the list."}) from error


def _document(form: Form, zone: str, was: RecordEntry) -> Written:
    title, typed = " ".join(form.get("title", "").split()), form.get("time", "")
    # the form knows no seconds: a time that was not touched stays as it was
    is_same = typed == local_from_moment(was.effective_at, zone)
    at = was.effective_at if is_same else moment_from_local(typed, zone)
    check_time(at)
    return Written(catalogued(was.resource, title=title, at=at, kind=read_kind(form)), title, at)


def read_measured(form: Form, *, at: datetime) -> list[Written]:
    """The vital signs of a form that asks for none in particular, measured now. Raises Invalid beside each odd one."""
    values, wrong = _values(form, SCALES)
    if wrong:
        raise Invalid(wrong)
    return [_observed(sign, parts, at, None) for sign, parts in checked_values(values).items()]


def _values(form: Form, names: Iterable[str]) -> tuple[dict[str, float], dict[str, str]]:
    """What was typed as numbers, and what is wrong with the rest."""
    wrong: dict[str, str] = {}
    values = {}
    for name in names:
        typed = form.get(name, "").strip()
        number = _number(typed)
        if typed and number is None:
            wrong[name] = "Give a number."
        elif number is not None:
            values[name] = number
    return values, wrong


def _vitals(form: Form, zone: str, was: RecordEntry | None) -> list[Written]:
    values, wrong = _values(form, parts_of(was) if was else SCALES)
    signs: Mapping[VitalSign, Mapping[str, float]] = {}
    at = None
    try:
        signs = checked_values(values)
    except Invalid as error:
        wrong = {**error.fields, **wrong}
    try:
        at = moment_from_local(form.get("time", ""), zone)
    except Invalid as error:
        wrong |= error.fields
    if not wrong and not signs:
        wrong[""] = "Fill in at least one value."
    if wrong or at is None:
        raise Invalid(wrong)
    return [_observed(sign, parts, at, was) for sign, parts in signs.items()]


def _observed(sign: VitalSign, parts: Mapping[str, float], at: datetime, was: RecordEntry | None) -> Written:
    names = {part: part_name(part) for part in PARTS_OF[sign]}
    resource = observation(sign, parts, name=label(sign), names=names, at=at)
    if was is not None:
        kept = {name: value for name, value in was.resource.items() if name != "interpretation"}
        resource = {**kept, **resource, "status": "amended"}
    return Written(resource=resource, title=label(sign), effective_at=at)


def _statement(form: Form, sheet: Sheet) -> Statement:
    name, note = form.get("name", "").strip(), form.get("note", "").strip()
    if sheet is Sheet.PROBLEM:
        return Problem(
            name=name,
            note=note,
            status=_code(form, "status", ProblemStatus),
            certainty=_code(form, "certainty", Certainty),
            since=_day(form),
        )
    if sheet is Sheet.ALLERGY:
        return Allergy(
            name=name,
            note=note,
            status=_code(form, "status", AllergyStatus),
            certainty=_code(form, "certainty", Certainty),
            category=_code(form, "category", AllergyCategory),
            criticality=_code(form, "criticality", Criticality),
            reaction=form.get("reaction", "").strip(),
        )
    return Medicine(
        name=name,
        note=note,
        dosage=form.get("dosage", "").strip(),
        status=_code(form, "status", MedicineStatus),
        since=_day(form),
    )


def _code(form: Form, name: str, kind: type[Code]) -> Code:
    """The code chosen; the first one where the form says nothing."""
    try:
        return kind(form.get(name) or next(iter(kind)))
    except ValueError as error:
        raise Invalid({name: "Choose from the list."}) from error


def _day(form: Form) -> date | None:
    typed = form.get("since", "").strip()
    try:
        day = date.fromisoformat(typed) if typed else None
    except ValueError as error:
        raise Invalid({"since": "Give a day, as in 2026-03-14."}) from error
    if day and (day.year < 1850 or day > now().date()):
        raise Invalid({"since": "Give a day that has been."})
    return day


def _number(typed: str) -> float | None:
    """A number as people write it: 36.8 or 36,8."""
    digits = typed.replace(",", ".", 1)
    plain = digits.isascii() and len(digits) <= LONGEST_NUMBER and digits.replace(".", "", 1).isdigit()
    return float(digits) if plain else None
