"""Which entries of a file are looked for: by kind, period, establishment, visit and words."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, literal_column, or_

from teleconsult.patients.names import fold
from teleconsult.records.kinds import TYPES_OF, UNLISTED, EntryKind
from teleconsult.records.models import RecordEntry, ResourceType

LONGEST_SEARCH: Final = 200
MOST_WORDS: Final = 10


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is left out of a timeline: everything that does not fit all that is said here."""

    kind: EntryKind | None = None
    since: datetime | None = None
    before: datetime | None = None
    """Entries from `since` on, up to `before` and not at it."""
    organization_id: uuid.UUID | None = None
    episode_id: uuid.UUID | None = None
    """The entry of an Encounter: it and what belongs to it."""
    words: str = ""
    visits: bool = False
    """Encounters alone."""
    kinds: frozenset[EntryKind] = frozenset()
    """Several kinds; none for any."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in SQL, on `RecordEntry`."""
        kind = RecordEntry.resource_type
        # Told by what is left out, the index that has the entries in their order is the one that fits.
        found: list[ColumnElement[bool]] = [kind.in_(TYPES_OF[self.kind]) if self.kind else kind.not_in(UNLISTED)]
        if self.kinds:
            found.append(kind.in_([one for some in self.kinds for one in TYPES_OF[some]]))
        if self.visits:
            found.append(RecordEntry.resource_type == ResourceType.ENCOUNTER)
        if self.since is not None:
            found.append(RecordEntry.effective_at >= self.since)
        if self.before is not None:
            found.append(RecordEntry.effective_at < self.before)
        if self.organization_id is not None:
            found.append(RecordEntry.organization_id == self.organization_id)
        if self.episode_id is not None:
            found.append(or_(RecordEntry.id == self.episode_id, RecordEntry.episode_id == self.episode_id))
        if query := words_query(self.words):
            looked_for = func.to_tsquery(literal_column("'simple'::regconfig"), query)
            found.append(RecordEntry.words.bool_op("@@")(looked_for))
        return found


EVERYTHING: Final = Narrowing()


def words_query(words: str) -> str:
    """A `tsquery` of what somebody typed: every word as it is compared, the last one perhaps not typed to its end.

    Folding leaves nothing but letters and digits, so that no operator of the query language is left. Empty for none.
    """
    folded = fold(words[:LONGEST_SEARCH]).split()[:MOST_WORDS]
    return " & ".join(folded) + ":*" if folded else ""
