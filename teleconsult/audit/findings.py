"""What a check of the log may find, and where."""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from teleconsult.audit.models import NO_ESTABLISHMENT

MOST_TOLD: Final = 20
"""Findings named one by one; the rest is only counted."""


class Fault(StrEnum):
    """How something does not hold."""

    EVENT_CHANGED = "event-changed"
    """An event, or what its link says of it."""
    EVENT_MISSING = "event-missing"
    EVENT_UNCHAINED = "event-unchained"
    """It stands outside every chain: somebody put it there past the trigger."""
    LINK_MISSING = "link-missing"
    LINK_MOVED = "link-moved"
    """It does not follow the one before it."""
    LINK_MISPLACED = "link-misplaced"
    """It stands in a chain that is not its establishment's."""
    TAIL_MISSING = "tail-missing"
    """The chain was longer when it was signed for."""
    HEAD_REWRITTEN = "head-rewritten"
    """The chain holds, but is not the one that was signed for."""
    CHECKPOINT_MISSING = "checkpoint-missing"
    CHECKPOINT_FORGED = "checkpoint-forged"
    """Changed, or signed by somebody else."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault and its place: a link of a chain, or a checkpoint by its number (`position`, chain None)."""

    fault: Fault
    chain: uuid.UUID | None
    lane: int
    position: int

    @property
    def place(self) -> str:
        """Where, for a log or a command line."""
        if self.chain is None:
            return f"checkpoint {self.position}"
        chain = "none" if self.chain == NO_ESTABLISHMENT else self.chain
        return f"chain {chain}, lane {self.lane}, position {self.position}"

    def as_json(self) -> dict[str, Any]:
        """For a row of `audit_check`."""
        return {
            "fault": self.fault.value,
            "chain": str(self.chain) if self.chain else None,
            "lane": self.lane,
            "position": self.position,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read back what `as_json` wrote."""
        chain = uuid.UUID(value["chain"]) if value["chain"] else None
        return cls(Fault(value["fault"]), chain, value["lane"], value["position"])
