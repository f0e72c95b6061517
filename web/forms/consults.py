"""The forms of a consult: from fields to the arguments of its actions."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from multidict import MultiMapping

from teleconsult.consents.models import ConsentBasis, Incapacity
from teleconsult.consults.drafting import ConsentAnswer, Request, Shown
from teleconsult.consults.models import ConsultMode, PatientCourse, RequestPriority
from teleconsult.directory.models import Specialty
from teleconsult.errors import Invalid
from teleconsult.scheduling.local_times import moment_from_local
from web.bodies import Form, unreadable_form
from web.forms.numbers import read_number
from web.forms.records import FileQuery

CHOOSE: Final = "Choose from the list."
LISTING: Final = ("search", "suggest", "check")
"""What buttons of the list of entries say: show it again."""
Code = TypeVar("Code", bound=StrEnum)


def read_request(form: Form) -> Request:
    """The form of a request, complete or not. Raises Invalid for what no page of ours offers."""
    return Request(
        service_id=_id(form["service"], "service") if form.get("service") else None,
        priority=_code(RequestPriority, form.get("urgency") or RequestPriority.ROUTINE, "urgency"),
        question=form.get("question", ""),
        entries=read_entries(form),
        consent=read_consent(form),
        mode=read_mode(form, usual=ConsultMode.VIDEO),
    )


def read_mode(form: Form, *, usual: ConsultMode | None = None) -> ConsultMode:
    """How it is to be answered; as `usual` where the form does not say. Raises Invalid on `mode`."""
    return _code(ConsultMode, form.get("mode") or usual or "", "mode")


def read_follow_up(form: Form) -> tuple[bool, bool, PatientCourse]:
    """Whether the plan was followed, whether a journey was avoided, how the patient is. Raises Invalid."""
    plan, _dash, journey = form.get("done", "").partition("-")
    if not {plan, journey} <= {"yes", "no"}:
        raise Invalid({"done": "Say what was done."})
    return plan == "yes", journey == "yes", _code(PatientCourse, form.get("course", ""), "course")


def read_choice(form: Form, name: str) -> uuid.UUID | None:
    """The id chosen in a list; None for none. Raises Invalid on that field."""
    return _id(form[name], name) if form.get(name) else None


def read_consent(form: Form) -> ConsentAnswer:
    """Who agreed, complete or not. Raises Invalid for what no page of ours offers."""
    basis = _code(ConsentBasis, form.get("basis") or ConsentBasis.PATIENT, "consent")
    incapacity = form.get("incapacity")
    return ConsentAnswer(
        given=bool(form.get("consent")),
        basis=basis,
        given_by=form.get("reason" if basis is ConsentBasis.NECESSITY else "given_by", ""),
        relationship=form.get("relationship", ""),
        incapacity=_code(Incapacity, incapacity, "incapacity") if incapacity else None,
    )


def read_shown(form: Form) -> Shown | None:
    """Which suggestion the page showed; None for a page without one. Raises Invalid."""
    if "suggested_for" not in form:
        return None
    specialty = form["suggested_for"]
    return Shown(_code(Specialty, specialty, "entries") if specialty else None, form.get("then") == "suggest")


def read_entries(form: MultiMapping[str]) -> tuple[uuid.UUID, ...]:
    """The entries that are ticked. Raises Invalid."""
    return tuple(_id(entry, "entries") for entry in form.getall("entries", []))


def read_listed(form: Form) -> dict[str, str] | None:
    """Which entries of the file are to be listed next, as parts of an address; None where the form does not ask."""
    if form.get("then") not in LISTING and "before" not in form:
        return None
    query = FileQuery.read(form).but(place="", episode="")
    return {**query, "before": form["before"]} if form.get("before") else query


def read_version(form: Form) -> int | None:
    """The version of the draft that was on the page; None where the page did not say. Raises Invalid."""
    typed = form.get("version", "")
    if not typed:
        return None
    version = read_number(typed, digits=9)
    if version is None:
        raise unreadable_form()
    return version


def read_time(form: Form, zone: str) -> tuple[datetime, int]:
    """The proposed moment and the minutes planned, on the clock of `zone`. Raises Invalid on `time` or `minutes`."""
    minutes = read_number(form.get("minutes") or "30", digits=4)
    if minutes is None:
        raise Invalid({"minutes": "Choose one of the durations in the list."})
    return moment_from_local(form.get("time", ""), zone), minutes


def _id(text: str, field: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Invalid({field: CHOOSE}) from error


def _code(codes: type[Code], text: str, field: str) -> Code:
    try:
        return codes(text)
    except ValueError as error:
        raise Invalid({field: CHOOSE}) from error
