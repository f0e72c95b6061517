"""The forms of the administration consoles: from fields to the arguments of the actions."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from teleconsult.access import Purpose
from teleconsult.directory.inviting import Invitee
from teleconsult.directory.models import OrganizationKind, RoleCode, Specialty
from teleconsult.directory.network import Particulars
from teleconsult.errors import Invalid
from teleconsult.scheduling.local_times import moment_from_local
from web.bodies import Form
from web.forms.numbers import read_number

Code = TypeVar("Code", bound=StrEnum)


def read_code(form: Form, name: str, kind: type[Code]) -> Code:
    """A choice from a list. Raises Invalid for what is not on it."""
    try:
        return kind(form.get(name, ""))
    except ValueError as error:
        raise Invalid({name: "Choose from the list."}) from error


def read_role(form: Form) -> tuple[RoleCode, Specialty | None]:
    """A role and its specialty, if any. Raises Invalid."""
    specialty = read_code(form, "specialty", Specialty) if form.get("specialty") else None
    return read_code(form, "role", RoleCode), specialty


def read_invitee(form: Form, *, role: RoleCode | None = None) -> Invitee:
    """Who is invited; to be `role` where the form does not ask. Raises Invalid."""
    code, specialty = (role, None) if role is not None else read_role(form)
    words = {name: " ".join(form.get(name, "").split()) for name in ("given", "family", "prefix", "email")}
    number = "".join(form.get("registration_number", "").split()).upper()
    return Invitee(registration_number=number, code=code, specialty=specialty, **words)


def read_id(form: Form, name: str) -> uuid.UUID:
    """The id of something chosen from a list. Raises Invalid."""
    try:
        return uuid.UUID(form.get(name, ""))
    except ValueError as error:
        raise Invalid({name: "Choose from the list."}) from error


def read_ids(form: Form, name: str) -> list[uuid.UUID]:
    """Several of them. Raises Invalid for a form that is none of ours."""
    try:
        return [uuid.UUID(value) for value in form.getall(name, [])]
    except ValueError as error:
        raise Invalid({"": "The form could not be read. Reload the page and try again."}) from error


def read_services(form: Form) -> list[uuid.UUID]:
    """The hospitals called next, in order; a place left as usual is none. Raises Invalid on `next`."""
    try:
        return [uuid.UUID(value) for value in form.getall("next", []) if value]
    except ValueError as error:
        raise Invalid({"next": "Choose from the list."}) from error


def read_moment(form: Form, name: str, zone: str) -> datetime:
    """A day and a time on the clock of `zone`. Raises Invalid on that field."""
    try:
        return moment_from_local(form.get(name, ""), zone)
    except Invalid as error:
        raise Invalid({name: error.fields["time"]}) from error


def read_days(form: Form) -> int | None:
    """For how many days something is kept; None for good. Raises Invalid."""
    chosen = form.get("keep", "")
    if chosen == "always":
        return None
    days = read_number(form.get("keep_days", "").strip() if chosen == "other" else chosen, digits=5)
    if days is None:
        raise Invalid({"keep_days": "Give a whole number of days."})
    return days


def read_purposes(form: Form) -> list[Purpose]:
    """What a token is for. Raises Invalid for what we do not know; none at all is the action's to refuse."""
    try:
        return [Purpose(value) for value in form.getall("purposes", [])]
    except ValueError as error:
        raise Invalid({"purposes": "Choose from the list."}) from error


def read_minutes(form: Form) -> int:
    """For how long a token is good. Raises Invalid."""
    minutes = read_number(form.get("minutes", "").strip(), digits=5)
    if minutes is None:
        raise Invalid({"minutes": "Give a whole number of minutes."})
    return minutes


def read_particulars(form: Form) -> Particulars:
    """What is said of an establishment. Raises Invalid for a kind that is not on the list."""
    words = {name: form.get(name, "").strip() for name in ("name", "time_zone", "locale", "sharing_network", "phone")}
    return Particulars(kind=read_code(form, "kind", OrganizationKind), **words)
