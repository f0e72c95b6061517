"""Whether enough members were there for a case to be concluded. Pure functions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from teleconsult.meetings.models import Present


@dataclass(frozen=True, slots=True)
class Quorum:
    """What a meeting asks for, and who is there. `missing` are codes of specialties of which nobody is."""

    needed: int
    present: tuple[Present, ...]
    missing: tuple[str, ...]

    @property
    def is_reached(self) -> bool:
        """Whether a case may be concluded."""
        return len(self.present) >= self.needed and not self.missing

    @property
    def wanting(self) -> int:
        """How many members are still to come."""
        return max(0, self.needed - len(self.present))


def quorum_of(present: Sequence[Present], members: int, specialties: Collection[str]) -> Quorum:
    """So many members in all, and of each of these specialties at least one."""
    here = {one.specialty for one in present}
    return Quorum(members, tuple(present), tuple(sorted(set(specialties) - here)))
