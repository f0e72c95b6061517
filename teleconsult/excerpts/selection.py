"""Which entries a request shares: what was suggested, with what a person ticked and unticked by hand."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from teleconsult.directory.models import Specialty

Ids = frozenset[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Selection:
    """A choice of entries. Another suggestion never takes back what somebody did by hand."""

    specialty: Specialty | None = None
    """Whose suggestion stands; None while no service is chosen."""
    suggestions: Mapping[Specialty | None, Ids] = field(default_factory=dict)
    """What was suggested for each: a page that comes back late speaks of the one that it showed."""
    added: Ids = frozenset()
    removed: Ids = frozenset()

    @property
    def suggested(self) -> Ids:
        """What is suggested now."""
        return self.suggestions.get(self.specialty, frozenset())

    @property
    def chosen(self) -> Ids:
        """What is shared."""
        return (self.suggested - self.removed) | self.added

    @property
    def changes(self) -> int:
        """How many entries were ticked or unticked against the suggestion."""
        return len(self.suggested ^ self.chosen)

    def suggesting(self, specialty: Specialty | None, entries: Iterable[uuid.UUID]) -> Self:
        """With this suggestion in place of the one before; what was done by hand stands."""
        return replace(self, specialty=specialty, suggestions={**self.suggestions, specialty: frozenset(entries)})

    def ticked(self, entries: Iterable[uuid.UUID], *, shown: Specialty | None) -> Self:
        """As a page left it that showed the suggestion for `shown`."""
        left, offered = frozenset(entries), self.suggestions.get(shown, frozenset())
        return replace(
            self,
            added=(self.added & left) | (left - offered),
            removed=(self.removed - left) | (offered - left),
        )

    def as_suggested(self) -> Self:
        """With nothing done by hand any more."""
        return replace(self, added=frozenset(), removed=frozenset())

    def to_json(self) -> dict[str, Any]:
        """As a draft keeps it; no specialty is the empty word."""
        return {
            "specialty": self.specialty or "",
            "suggestions": {specialty or "": _texts(ids) for specialty, ids in self.suggestions.items()},
            "added": _texts(self.added),
            "removed": _texts(self.removed),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(
            _specialty(kept["specialty"]),
            {_specialty(specialty): _ids(ids) for specialty, ids in kept["suggestions"].items()},
            _ids(kept["added"]),
            _ids(kept["removed"]),
        )


def _specialty(word: str) -> Specialty | None:
    return Specialty(word) if word else None


def _texts(ids: Ids) -> list[str]:
    return sorted(str(entry) for entry in ids)


def _ids(texts: Iterable[str]) -> Ids:
    return frozenset(uuid.UUID(text) for text in texts)
