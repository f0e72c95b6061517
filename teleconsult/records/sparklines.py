"""Where the points of a small chart stand: values over time in a box of 300 by 80 units. Pure."""

from dataclasses import dataclass
from typing import Final

from teleconsult.records.following import Point, Series
from teleconsult.records.measures import Number

WIDTH: Final = 300
HEIGHT: Final = 80
MARGIN: Final = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of the curve."""

    x: float
    y: float
    point: Point


@dataclass(frozen=True, slots=True)
class Chart:
    """A curve from left to right, and the band of its reference range where there is one, from `top` so far down."""

    marks: tuple[Mark, ...]
    top: float | None = None
    band: float = 0

    @property
    def line(self) -> str:
        """The `points` of a polyline (SVG 2 §10.6)."""
        return " ".join(f"{mark.x:g},{mark.y:g}" for mark in self.marks)


def chart_of(series: Series) -> Chart:
    """The chart of a series: time to scale, and the height such that values and range lie within."""
    points = list(reversed(series.points))
    bounds = [bound for bound in (series.low, series.high) if bound is not None]
    values: list[Number] = [point.value for point in points] + bounds
    bottom, peak = min(values), max(values)
    began, lasted = points[0].at, (points[-1].at - points[0].at).total_seconds()

    def x(number: int, point: Point) -> float:
        share = (point.at - began).total_seconds() / lasted if lasted else number / max(len(points) - 1, 1)
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    def y(value: Number) -> float:
        share = (value - bottom) / (peak - bottom) if peak > bottom else 0.5
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)

    marks = tuple(Mark(x(number, point), y(point.value), point) for number, point in enumerate(points))
    if not bounds:
        return Chart(marks)
    top = y(series.high) if series.high is not None else 0.0
    end = y(series.low) if series.low is not None else float(HEIGHT)
    return Chart(marks, top=top, band=round(max(end - top, 0), 1))
