"""What a check of devices and link found, as the participant's browser measured it against the server."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from teleconsult.encounters.link_models import Way
from teleconsult.errors import Invalid

MOST_MILLISECONDS: Final = 60_000
MOST_RATE: Final = 2_000_000_000  # bit/s: what the column holds


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured against the server; None where it could not be."""

    round_trip: float | None = None
    """Milliseconds."""
    jitter: float | None = None
    """Milliseconds."""
    loss: float | None = None
    """0 to 1, the worse direction's."""
    uplink: float | None = None
    """bit/s."""
    downlink: float | None = None
    """bit/s."""
    ways: Sequence[Way] = field(default=())
    blocked_ways: Sequence[Way] = field(default=())

    def __post_init__(self) -> None:
        """Raises Invalid for figures that no link has."""
        in_bounds = (
            _is_within(self.round_trip, MOST_MILLISECONDS)
            and _is_within(self.jitter, MOST_MILLISECONDS)
            and _is_within(self.loss, 1)
            and _is_within(self.uplink, MOST_RATE)
            and _is_within(self.downlink, MOST_RATE)
        )
        if not in_bounds or set(self.ways) & set(self.blocked_ways):
            raise Invalid({"figures": "The figures of this check cannot be right. Check again."})


@dataclass(frozen=True, slots=True)
class Devices:
    """What worked on the participant's device."""

    camera: bool
    microphone: bool
    speaker: bool | None = None
    """Whether they heard the tone; None where they did not say."""


def _is_within(value: float | None, most: float) -> bool:
    return value is None or (math.isfinite(value) and 0 <= value <= most)
