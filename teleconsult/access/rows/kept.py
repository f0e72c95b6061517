"""Questions that are asked all the time, written once: to write one through the filters costs more than to ask it."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, Generic, TypeVarTuple

from sqlalchemy import BindParameter, Select, bindparam
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.sql import visitors

from teleconsult.access.rows import seam
from teleconsult.accounts.actor import Actor

IDS: Final = ("account_id", "practitioner_id", "role_id", "organization_id", "client_id", "guest_pass_id")
"""What a filter compares with columns: left open in the question, given when it is asked."""
LEFT_OUT: Final = {
    **dict.fromkeys(("name", "organization_name", "locale", "time_zone", "address"), ""),
    **dict.fromkeys(("session_id", "factor_at", "token_id", "scope"), None),
    "has_other_roles": False,
}
"""What no filter asks of an actor."""

Found = TypeVarTuple("Found")


class Kept(Generic[*Found]):
    """A question written by `write` for an actor, once for each kind of them: their role, and which ids they have.

    `write` takes from the actor what `access.rows` takes, and else only what it names as a `bindparam`; a moment is
    `db.asked_at()`.
    """

    def __init__(self, write: Callable[[Actor], Select[*Found]]) -> None:
        self._write = write
        self._written: dict[object, Select[*Found]] = {}

    def asked_by(self, actor: Actor) -> tuple[Select[*Found], Mapping[str, object]]:
        """The question, and the ids to ask it with."""
        kind = _kind_of(actor)
        key = (kind, seam._wall)
        question = self._written.get(key)
        if question is None:
            question = self._written[key] = self._write(_stand_in(kind))
            assert not any(_is_of_its_time(one) for one in visitors.iterate(question)), "it would be of today for ever"
        return question, {_name(field): value for field in IDS if (value := getattr(actor, field)) is not None}


Kind = tuple[tuple[str, Any], ...]


def _kind_of(actor: Actor) -> Kind:
    """All that a filter may ask of an actor, but of an id only whether it is there."""
    values = {field.name: getattr(actor, field.name) for field in fields(Actor)} | LEFT_OUT
    return tuple((name, value is not None if name in IDS else value) for name, value in values.items())


def _stand_in(kind: Kind) -> Actor:
    values: dict[str, Any] = {name: _left_open(name, is_there=value) if name in IDS else value for name, value in kind}
    return Actor(**values)


def _left_open(field: str, *, is_there: bool) -> BindParameter[uuid.UUID] | None:
    return bindparam(_name(field), type_=UUID(as_uuid=True)) if is_there else None


def _name(field: str) -> str:
    return f"asking_{field}"


def _is_of_its_time(part: object) -> bool:
    return isinstance(part, BindParameter) and part.callable is None and isinstance(part.value, datetime)
