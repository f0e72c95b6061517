"""What administrators do alike with every system of others that they let in: name it, switch it, change it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from teleconsult.clock import now

LONGEST_NAME: Final = 100
_LONGEST_TOLD: Final = 200
"""Characters of a value in the log; certificates are longer."""


class Switched(Protocol):
    """The row of a system that is on, or was turned off."""

    disabled_at: Any
    """A moment, or None."""


def read_name(typed: str, errors: dict[str, str]) -> str:
    """The name as it is kept; where it is none, `errors` says so."""
    name = " ".join(typed.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        errors["name"] = "Give it a short name."
    return name


def turn(system: Switched, *, is_on: bool) -> bool:
    """Turn it on or off; whether that changed anything."""
    was_off: datetime | None = system.disabled_at
    if (was_off is None) is is_on:
        return False
    system.disabled_at = None if is_on else now()
    return True


def change(system: object, values: Mapping[str, object]) -> str:
    """Set these; what is then different, for the log: each with what it was and is, but for secrets and certificates.

    Empty where all was so before.
    """
    told = []
    for name, value in values.items():
        before = getattr(system, name)
        if before != value:
            setattr(system, name, value)
            told.append(f"{name}: {_shown(before)} → {_shown(value)}")
    return "; ".join(told)


def _shown(value: object) -> str:
    if value is None or value in ("", b""):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "…" if isinstance(value, bytes) or len(str(value)) > _LONGEST_TOLD else str(value)
