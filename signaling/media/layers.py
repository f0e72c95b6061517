"""Which of several sizes of one picture a viewer gets: down as soon as its line is full, up slowly."""

from collections.abc import Sequence
from typing import Final

PATIENCE: Final = 10.0
"""Seconds a line is not full before more is tried on it."""
LONGEST_PATIENCE: Final = 80.0


def flowing(wish: int, flows: Sequence[bool]) -> int:
    """The level to show: what is wished, or the nearest to it that anything comes of."""
    there = [level for level, does_flow in enumerate(flows) if does_flow]
    return wish if wish in there or not there else min(there, key=lambda level: abs(level - wish))


class Layers:
    """One viewer's choice. `level` 0 is the best."""

    def __init__(self) -> None:
        self.level = 0
        self._calm_since: float | None = None
        self._tried_at = float("-inf")
        self._patience = PATIENCE

    def decide(self, *, room: int | None, rates: Sequence[int], now: float) -> None:
        """Choose again at `now` (seconds), given the `rates` of the sizes (bit/s, the best first).

        `room`: bit/s there are for this picture; None while the line is not full. What was tried in vain is tried
        again after twice the time.
        """
        self.level = max(0, min(self.level, len(rates) - 1))
        if room is None:
            if self._calm_since is None:
                self._calm_since = now
            if self.level and now - self._calm_since >= self._patience:
                self.level -= 1
                self._tried_at, self._calm_since = now, now
            return
        self._calm_since = None
        if self.level + 1 < len(rates) and room < rates[self.level]:
            self.level += 1
            in_vain = now - self._tried_at < self._patience
            self._patience = min(LONGEST_PATIENCE, 2 * self._patience) if in_vain else PATIENCE
