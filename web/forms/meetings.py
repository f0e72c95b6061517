"""The forms of team meetings: from fields to the arguments of the actions."""

import uuid

from teleconsult.errors import Invalid
from teleconsult.meetings.planning import Plan
from web.bodies import Form
from web.forms.administration import read_id
from web.forms.numbers import read_number
from web.forms.times import read_start, read_things


def read_plan(form: Form, zone: str) -> Plan:
    """What a meeting is to be; its time on the clock of `zone`. Raises Invalid, naming the field."""
    return Plan(
        title=form.get("title", ""),
        starts_at=read_start(form, zone),
        minutes=_number(form, "minutes", "Choose one of the durations in the list."),
        chair=read_id(form, "chair"),
        members=tuple(read_people(form, "members")),
        place=form.get("place", ""),
        quorum_members=_number(form, "quorum", "Give a whole number of members."),
        quorum_specialties=tuple(form.getall("specialties", [])),
        things=tuple(read_things(form)),
    )


def read_times(form: Form) -> tuple[int, int]:
    """How many meetings, and every how many weeks. Raises Invalid on `times`."""
    return (
        _number(form, "times", "Choose from the list.", otherwise="1"),
        _number(form, "every", "Choose from the list.", otherwise="1"),
    )


def read_people(form: Form, name: str) -> list[uuid.UUID]:
    """The roles that are ticked. Raises Invalid on that field."""
    try:
        return [uuid.UUID(value) for value in form.getall(name, [])]
    except ValueError as error:
        raise Invalid({name: "Choose from the list."}) from error


def read_minutes(form: Form) -> int:
    """How long a case takes. Raises Invalid on `minutes`."""
    return _number(form, "minutes", "A case takes between 1 and 120 minutes.", otherwise="10")


def read_place(form: Form) -> int:
    """Which place on the list, from 1. Raises Invalid on `to`."""
    return _number(form, "to", "Choose from the list.")


def _number(form: Form, name: str, refusal: str, otherwise: str = "") -> int:
    number = read_number(form.get(name, "").strip() or otherwise, digits=3)
    if number is None:
        raise Invalid({name: refusal})
    return number
