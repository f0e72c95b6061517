"""The forms that say who is whom: from fields to ids."""

import uuid
from collections.abc import Mapping

from teleconsult.errors import NotFound


def read_patient(form: Mapping[str, str], name: str) -> uuid.UUID:
    """Which patient a form or an address names. Raises NotFound for what is no id, as for one nobody has."""
    try:
        return uuid.UUID(form.get(name, ""))
    except ValueError as error:
        raise NotFound from error


def read_kept(form: Mapping[str, str]) -> uuid.UUID | None:
    """Which of two patients stays; None where none is chosen."""
    try:
        return uuid.UUID(form.get("kept_id", ""))
    except ValueError:
        return None
