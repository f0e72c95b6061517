"""The forms that say who is whom: from fields to ids."""

import uuid
from collections.abc import Mapping
from datetime import date

from teleconsult.errors import Invalid, NotFound


def read_patient(form: Mapping[str, str], name: str) -> uuid.UUID:
    """Which patient a form or an address names. Raises NotFound for what is no id, as for one nobody has."""
    try:
        return uuid.UUID(form.get(name, ""))
    except ValueError as error:
        raise NotFound from error


def read_issued(form: Mapping[str, str]) -> date | None:
    """The day a document was issued; None where it is left empty. Raises Invalid."""
    typed = form.get("issued_on", "").strip()
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError as error:
        raise Invalid({"issued_on": "Write the date as year, month, day: 2026-03-14."}) from error


def read_kept(form: Mapping[str, str]) -> uuid.UUID | None:
    """Which of two patients stays; None where none is chosen."""
    try:
        return uuid.UUID(form.get("kept_id", ""))
    except ValueError:
        return None
