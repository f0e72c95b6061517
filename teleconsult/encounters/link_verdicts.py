"""What a measured link will carry: one table of thresholds, from the best to the worst.

They were found by calls over emulated links: below them sound suffers, and sound comes first. A browser's estimate of
its uplink reads at 0.55 to 0.95 of what the line carries, so they are of the estimate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from teleconsult.encounters.link_models import LinkCheck, LinkVerdict, Way
from teleconsult.errors import Invalid

MOST_MILLISECONDS: Final = 60_000
MOST_RATE: Final = 2_000_000_000  # bit/s: what the column holds


class OpeningRung(StrEnum):
    """With how much picture a session opens; `NONE` where not even sound passes."""

    P480 = "480p"
    P360 = "360p"
    P240 = "240p"
    STILLS = "stills"
    AUDIO = "audio"
    NONE = "none"


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
class Threshold:
    """What a link must have at the least for a rung."""

    rung: OpeningRung
    verdict: LinkVerdict
    rate: int
    """bit/s, in both directions."""
    loss: float
    """Less than this."""
    round_trip: float
    """Milliseconds; less than this."""


THRESHOLDS: Final = (
    Threshold(OpeningRung.P480, LinkVerdict.VIDEO, rate=700_000, loss=0.03, round_trip=400),
    Threshold(OpeningRung.P360, LinkVerdict.VIDEO, rate=300_000, loss=0.03, round_trip=500),
    Threshold(OpeningRung.P240, LinkVerdict.VIDEO, rate=150_000, loss=0.08, round_trip=1_500),
    Threshold(OpeningRung.STILLS, LinkVerdict.PICTURES, rate=80_000, loss=0.15, round_trip=2_500),
    Threshold(OpeningRung.AUDIO, LinkVerdict.SOUND, rate=30_000, loss=0.30, round_trip=4_000),
)


def rung_for(figures: Figures | LinkCheck) -> OpeningRung:
    """The rung a session opens at: the best whose thresholds all hold. What was not measured holds nothing up."""
    found = _first(figures)
    return found.rung if found else OpeningRung.NONE


def verdict_on(figures: Figures | LinkCheck) -> LinkVerdict:
    """The same in one word. Where no way let media through, it is to write."""
    found = _first(figures)
    return found.verdict if found else LinkVerdict.WRITE


def _first(figures: Figures | LinkCheck) -> Threshold | None:
    if not figures.ways:
        return None
    return next((one for one in THRESHOLDS if _holds(one, figures)), None)


def _holds(one: Threshold, figures: Figures | LinkCheck) -> bool:
    rates = [rate for rate in (figures.uplink, figures.downlink) if rate is not None]
    return (
        all(rate >= one.rate for rate in rates)
        and (figures.loss or 0) < one.loss
        and (figures.round_trip or 0) < one.round_trip
    )


def _is_within(value: float | None, most: float) -> bool:
    return value is None or (math.isfinite(value) and 0 <= value <= most)
