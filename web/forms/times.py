"""The forms of times and hours: from fields to the arguments of the actions."""

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import TypedDict

from multidict import MultiMapping

from teleconsult.errors import Invalid
from teleconsult.scheduling.hours_models import Repeat
from teleconsult.scheduling.local_times import moment_from_local
from web.bodies import Form
from web.forms.administration import read_code
from web.forms.numbers import read_number


class RuleAsked(TypedDict):
    """What the form of a rule says."""

    weekdays: list[int]
    from_minute: int
    until_minute: int
    repeat: Repeat
    first_day: date
    last_day: date | None
    slot_minutes: int | None


def read_start(form: MultiMapping[str], zone: str) -> datetime:
    """The moment of a button ("2026-11-22T14:30:00Z"), or one typed on the clock of `zone`. Raises Invalid."""
    typed = form.get("time", "")
    if not typed.endswith("Z"):
        return moment_from_local(typed, zone)
    try:
        return datetime.fromisoformat(typed).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid({"time": "Give a day and a time."}) from error


def read_length(fields: Mapping[str, str], otherwise: int = 30) -> int:
    """For how many minutes. Raises Invalid on `minutes`."""
    minutes = read_number(fields.get("minutes") or str(otherwise), digits=4)
    if minutes is None:
        raise Invalid({"minutes": "Choose one of the durations in the list."})
    return minutes


def read_things(fields: MultiMapping[str]) -> list[uuid.UUID]:
    """The rooms and devices that are ticked. Raises Invalid on `things`."""
    try:
        return [uuid.UUID(value) for value in fields.getall("things", [])]
    except ValueError as error:
        raise Invalid({"things": "Choose from the list."}) from error


def read_people(fields: MultiMapping[str]) -> list[uuid.UUID]:
    """The roles of further people that are ticked, and of who is chosen from the list. Raises Invalid on `people`."""
    try:
        return list(dict.fromkeys(uuid.UUID(value) for value in fields.getall("people", []) if value))
    except ValueError as error:
        raise Invalid({"people": "Choose from the list."}) from error


def read_rule(form: Form) -> RuleAsked:
    """A rule of somebody's hours. Raises Invalid, naming each field."""
    days = [read_number(value, digits=1) for value in form.getall("weekdays", [])]
    slot = form.get("slot", "").strip()
    minutes = read_number(slot, digits=3) if slot else None
    if slot and minutes is None:
        raise Invalid({"slot": "Give a whole number of minutes."})
    return {
        "weekdays": [day for day in days if day is not None],
        "from_minute": _minute(form, "from"),
        "until_minute": _minute(form, "until"),
        "repeat": read_code(form, "repeat", Repeat) if form.get("repeat") else Repeat.WEEKLY,
        "first_day": _day(form, "first_day"),
        "last_day": _day(form, "last_day") if form.get("last_day") else None,
        "slot_minutes": minutes,
    }


def read_buffer(form: Form) -> int:
    """How many minutes are kept free. Raises Invalid."""
    minutes = read_number(form.get("buffer", "").strip() or "0", digits=3)
    if minutes is None:
        raise Invalid({"buffer": "Keep between 0 and 120 minutes free."})
    return minutes


def _minute(form: Form, name: str) -> int:
    try:
        at = time.fromisoformat(form.get(name, ""))
    except ValueError as error:
        raise Invalid({name: "Give a time."}) from error
    return at.hour * 60 + at.minute


def _day(form: Form, name: str) -> date:
    try:
        return date.fromisoformat(form.get(name, ""))
    except ValueError as error:
        raise Invalid({name: "Give a day."}) from error
