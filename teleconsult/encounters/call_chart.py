"""Where the lines of a session's charts stand: time from left to right in boxes of 600 by 60 units. Pure.

However long it was, a line has 120 places at the most: each tells the worst of its time, and of rates the mean.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Final

from teleconsult.encounters.attendance import Span, merged
from teleconsult.encounters.quality import RUNGS, Sample
from teleconsult.encounters.summing import LONGEST_STEP, Call, Side, is_weak

WIDTH: Final = 600
HEIGHT: Final = 60
MARGIN: Final = 4
PLACES: Final = 120
ROWS: Final = 30
"""Of the table that says the same."""
A_MINUTE: Final = timedelta(minutes=1)
LEAST_ROUND_TRIP, LEAST_LOSS, LEAST_RATE = 200.0, 0.05, 100_000.0
"""What a scale reaches at least: a good line does not look like a wild one (ms, share, bit/s)."""


@dataclass(frozen=True, slots=True)
class Place:
    """What one stretch of the time tells of a side."""

    at: datetime
    rung: str
    round_trip: float | None
    loss: float
    up: float


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the time, from `x` on."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class SideChart:
    """The charts of one side: paths (SVG 2 §9.3), and the same as rows of a table."""

    side: Side
    rungs: str
    round_trip: str
    loss: str
    up: str
    cuts: tuple[Band, ...]
    weak: tuple[Band, ...]
    rows: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class CallChart:
    """Both sides to one scale, so that they can be compared."""

    call: Call
    peak_round_trip: float
    peak_loss: float
    peak_rate: float
    sides: tuple[SideChart, ...]


def chart_of(call: Call) -> CallChart:
    """The charts of a session."""
    samples = [sample for side in call.sides for sample in side.samples]
    peaks = (
        max([LEAST_ROUND_TRIP, *(one.round_trip for one in samples if one.round_trip is not None)]),
        max([LEAST_LOSS, *(one.loss for one in samples)]),
        max([LEAST_RATE, *(one.up for one in samples)]),
    )
    return CallChart(call, *peaks, tuple(_side_chart(call.span, side, *peaks) for side in call.sides))


def _side_chart(span: Span, side: Side, round_trip: float, loss: float, rate: float) -> SideChart:
    places = _places(span, side.samples, PLACES, least=LONGEST_STEP / 2)
    last = len(RUNGS) - 1
    return SideChart(
        side=side,
        rungs=_steps([1 - RUNGS.index(one.rung) / last if one else None for one in places]),
        round_trip=_line([one.round_trip if one else None for one in places], round_trip),
        loss=_line([one.loss if one else None for one in places], loss),
        up=_line([one.up if one else None for one in places], rate),
        cuts=_bands(span, side.interruptions),
        weak=_bands(span, merged(Span(one.at, one.at + LONGEST_STEP) for one in side.samples if is_weak(one))),
        rows=tuple(row for row in _places(span, side.samples, ROWS, least=A_MINUTE) if row is not None),
    )


def _places(span: Span, samples: Sequence[Sample], most: int, *, least: timedelta) -> list[Place | None]:
    """The samples put together into so many equal stretches, none shorter than `least`; None where one has none."""
    stretch = max(span.length / most, least)
    found: list[list[Sample]] = [[] for _ in range(max(round(span.length / stretch), 1))]
    for sample in samples:
        found[min(int((sample.at - span.start) / stretch), len(found) - 1)].append(sample)
    return [_place(span.start + number * stretch, some) if some else None for number, some in enumerate(found)]


def _place(at: datetime, samples: Sequence[Sample]) -> Place:
    round_trips = [sample.round_trip for sample in samples if sample.round_trip is not None]
    return Place(
        at=at,
        rung=RUNGS[max(RUNGS.index(sample.rung) for sample in samples)],
        round_trip=max(round_trips, default=None),
        loss=max(sample.loss for sample in samples),
        up=fmean(sample.up for sample in samples),
    )


def _line(values: Sequence[float | None], peak: float) -> str:
    """A path through the middles of the stretches, broken where nothing is known."""
    parts, is_on = [], False
    for number, value in enumerate(values):
        if value is not None:
            parts.append(f"{'L' if is_on else 'M'}{_x(number + 0.5, len(values)):g} {_y(value / peak):g}")
            if not is_on:
                parts.append("h.1")  # one alone is seen as well
        is_on = value is not None
    return "".join(parts)


def _steps(heights: Sequence[float | None]) -> str:
    """A path that stays as it is through each stretch."""
    parts, is_on = [], False
    for number, height in enumerate(heights):
        if height is not None:
            start = f"V{_y(height):g}" if is_on else f"M{_x(number, len(heights)):g} {_y(height):g}"
            parts.append(f"{start}H{_x(number + 1, len(heights)):g}")
        is_on = height is not None
    return "".join(parts)


def _bands(span: Span, among: Iterable[Span]) -> tuple[Band, ...]:
    bands = []
    for one in among:
        start, end = _share(span, one.start), _share(span, one.end)
        if start < end:
            bands.append(Band(round(start * WIDTH, 1), max(round((end - start) * WIDTH, 1), 1.5)))
    return tuple(bands)


def _share(span: Span, moment: datetime) -> float:
    return min(max((moment - span.start) / max(span.length, timedelta(seconds=1)), 0.0), 1.0)


def _x(place: float, places: int) -> float:
    return round(place / places * WIDTH, 1)


def _y(share: float) -> float:
    return round(HEIGHT - MARGIN - min(share, 1.0) * (HEIGHT - 2 * MARGIN), 1)
