"""What scope an interaction needs of a system that asks for it (SMART App Launch 2.2, "Scopes and Launch Context").

Each thing that an answer holds has to be granted, also what comes along with another: what is missing is named, and
never silently left out, since half a file looks like a whole one.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from teleconsult.accounts.actor import Actor
from teleconsult.errors import Forbidden
from teleconsult.fhir.asking import Asked
from teleconsult.fhir.questions import FORMAT
from teleconsult.fhir.searching import alternatives
from teleconsult.systems.scopes import ANY, missing

Need = tuple[str, str]
"""A kind of resource, and the letter of what is done to it."""
LETTER_OF: Final[Mapping[str, str]] = {
    "read": "r",
    "vread": "r",
    "history-instance": "r",
    "search-type": "s",
    "create": "c",
    "update": "u",
    "$everything": "r",
    "$match": "s",
}
"""By the interaction of `door.Interaction`. One that is not here is refused to every system."""
_TARGETS: Final = {"patient": "Patient", "subject": "Patient", "encounter": "Encounter", "context": "Encounter"}
"""What a search parameter of type reference names, where it says no type."""


class MissingScope(Forbidden):
    """The system was not granted what it asks for."""

    def __init__(self, scope: str) -> None:
        super().__init__("This needs the scope %(scope)s.", scope=scope)


def require_scope(actor: Actor, asked: Asked, interaction: str) -> None:
    """Raise MissingScope where the actor is a system, and this is not all within what it was granted."""
    require_granted(actor, *needed(asked, interaction))


def require_granted(actor: Actor, *needs: Need) -> None:
    """Raise MissingScope where the actor is a system, and was not granted all of these."""
    if actor.client_id is None:
        return
    for scope in missing(actor.scope or (), needs):
        raise MissingScope(scope)


def needed(asked: Asked, interaction: str) -> Iterator[Need]:
    """Everything that has to be granted for it."""
    kind, letter = asked.segments[0], LETTER_OF.get(interaction)
    if letter is None:
        yield from ((ANY, one) for one in "cruds")
        return
    yield kind, letter
    if interaction == "$everything":
        named = [one for name, value in asked.parameters if name == "_type" for one in alternatives(value) if one]
        for one in named or [ANY]:
            yield one, "r"
            yield one, "s"
    elif interaction == "search-type":
        for name, value in asked.parameters:
            yield from _along(name, value)
    elif interaction == "create" and (asked.if_none_exist or any(name not in FORMAT for name, _ in asked.parameters)):
        yield kind, "s"  # only where there is none
    elif interaction == "update" and len(asked.segments) == 1:  # finds what it updates, or creates it
        yield kind, "s"
        yield kind, "c"


def _along(name: str, value: str) -> Iterator[Need]:
    """What a search looks at, or brings along, besides its own kind."""
    base, _colon, modifier = name.partition(":")
    parts = value.split(":")
    if base == "_include":
        target = parts[2] if len(parts) > 2 else _TARGETS.get(parts[1], ANY) if len(parts) > 1 else ANY
        yield target, "r"
    elif base == "_revinclude":
        yield parts[0], "r"
        yield parts[0], "s"
    elif base == "_has":
        yield modifier.partition(":")[0] or ANY, "s"
    elif modifier == "identifier":
        yield _TARGETS.get(base, ANY), "s"
    elif "." in name:
        reference, _dot, _rest = name.partition(".")
        parameter, _colon, kind = reference.partition(":")
        yield kind or _TARGETS.get(parameter, ANY), "s"
