"""What is said of files that came in: how many, and which were left out, why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self

from teleconsult.imaging.actions import Outcome
from teleconsult.imaging.refusals import Refusal, sentence
from web.i18n import gettext as _

MOST_NAMED: Final = 100
"""Refused files that are named one by one; a disc of programs has thousands."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Counts, and the first of what was refused as (name, code). The index of a disc is passed over without a word:
    nobody chose it to be looked at."""

    stored: int
    received: int
    refused_count: int
    refused: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Self:
        """Of what became of each file."""
        told = [one for one in outcomes if one.refusal is not Refusal.DIRECTORY]
        refused = [(one.name, str(one.refusal)) for one in told if one.refusal]
        stored = sum(one.object_key is not None for one in told)
        return cls(stored, len(told) - len(refused), len(refused), refused[:MOST_NAMED])

    def as_kept(self) -> dict[str, object]:
        """For JSON, in no language yet."""
        return asdict(self)

    def reasons(self) -> list[tuple[str, str]]:
        """Names, and why, in the reader's language."""
        return [(name, _(sentence(code))) for name, code in self.refused]

    def in_words(self) -> dict[str, object]:
        """For JSON, in the reader's language."""
        named = [{"name": name, "code": code, "reason": _(sentence(code))} for name, code in self.refused]
        return {**asdict(self), "refused": named}
