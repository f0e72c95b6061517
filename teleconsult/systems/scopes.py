"""SMART scopes of systems: which kinds of resource, and what of them (SMART App Launch 2.2, permission-v2).

`system/Observation.rs` reads and searches observations, `system/*.cruds` does everything to everything. Narrowing a
scope by a search (`?category=…`) is not offered.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

ANY: Final = "*"
LETTERS: Final = "cruds"
"""Create, read, update, delete, search: in this order."""
LONGEST: Final = 1500
"""Characters of a scope, as it is asked for and as it is allowed."""
_SCOPE: Final = re.compile(r"system/(\*|[A-Z][A-Za-z]{0,63})\.(?=[cruds])(c?r?u?d?s?)", re.ASCII)


class BadScope(ValueError):
    """A word that is no scope of a system's."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One word of a scope: what may be done to resources of one kind, or of any."""

    kind: str
    letters: frozenset[str]

    def __str__(self) -> str:
        return f"system/{self.kind}.{''.join(letter for letter in LETTERS if letter in self.letters)}"

    def permits(self, kind: str, letter: str) -> bool:
        """Whether this may be done to a resource of that kind; `*` asks for every kind."""
        return self.kind in (ANY, kind) and letter in self.letters


def read_scopes(text: str) -> list[Scope]:
    """What is asked for. Raises BadScope naming the first word that is no scope of a system's."""
    if len(text) > LONGEST:
        raise BadScope("The scope is too long.")
    return [_read(word) for word in text.split()]


def narrowed(asked: Iterable[Scope], allowed: Iterable[Scope], offered: Mapping[str, str]) -> list[Scope]:
    """What of `asked` is both allowed and `offered` (for each kind, the letters of what can be done to it at all).

    Never more than was asked: `system/*.rs` stays `*` only where everything is allowed.
    """
    allowed = list(allowed)
    merged: dict[str, frozenset[str]] = {}
    for one in (both for wanted in asked for given in allowed if (both := _both(wanted, given)) is not None):
        able = frozenset("".join(offered.values()) if one.kind == ANY else offered.get(one.kind, ""))
        if letters := one.letters & able:
            merged[one.kind] = merged.get(one.kind, frozenset()) | letters
    everywhere = merged.get(ANY, frozenset())
    return [Scope(kind, letters) for kind, letters in sorted(merged.items()) if kind == ANY or letters - everywhere]


def written(scopes: Iterable[Scope]) -> str:
    """Scopes as they are sent (RFC 6749 §3.3)."""
    return " ".join(map(str, scopes))


def missing(held: Iterable[str], needed: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The scopes that are needed and not among those held, as one would ask for them."""
    scopes = [_read(word) for word in held]
    for kind, letter in needed:
        if not any(scope.permits(kind, letter) for scope in scopes):
            yield f"system/{kind}.{letter}"


def _read(word: str) -> Scope:
    match = _SCOPE.fullmatch(word)
    if match is None:
        raise BadScope(f"This is no scope of a system's: {word[:80]}")
    return Scope(match[1], frozenset(match[2]))


def _both(asked: Scope, allowed: Scope) -> Scope | None:
    if ANY not in (asked.kind, allowed.kind) and asked.kind != allowed.kind:
        return None
    kind = allowed.kind if asked.kind == ANY else asked.kind
    return Scope(kind, asked.letters & allowed.letters)
