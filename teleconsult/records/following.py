"""Values over time: what was measured of a person more than once, from every establishment that shares."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.patients.queries import PatientFile
from teleconsult.records.measures import Measure, Number, coded_measure
from teleconsult.records.thinning import LARGEST, MOST_CODES, values_told


@dataclass(frozen=True, slots=True)
class Point:
    """One value, and the entry that tells it."""

    at: datetime
    value: Number
    measure: Measure
    entry_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Series:
    """What bears one code and is told in one unit; at least two values."""

    code: str
    points: Sequence[Point]
    """Latest first; not all of them where they were thinned out."""
    total: int
    """How many values there are, of the latest entries."""

    @property
    def name(self) -> str:
        """What the latest one is called."""
        return self.points[0].measure.name

    @property
    def unit(self) -> str:
        """The unit of all of them."""
        return self.points[0].measure.unit

    @property
    def low(self) -> Number | None:
        """The lower end of the reference range, as the latest value that has one says."""
        found = (point.measure.low for point in self.points)
        return next((low for low in found if low is not None and abs(low) < LARGEST), None)

    @property
    def high(self) -> Number | None:
        """The upper end, likewise."""
        found = (point.measure.high for point in self.points)
        return next((high for high in found if high is not None and abs(high) < LARGEST), None)


async def followed_values(session: AsyncSession, file: PatientFile) -> list[Series]:
    """What was measured at least twice, what was measured last first: at most 40, each thinned out for a chart.

    The caller has looked the file up. Values within a panel and within a report count like those on their own;
    entries entered in error do not.
    """
    return await _followed(session, file)


async def values_of_code(session: AsyncSession, file: PatientFile, *, code: str) -> list[Series]:
    """The same of one code (`system|code`), in each of its units, with its latest 200 values."""
    return await _followed(session, file, code=code)


async def _followed(session: AsyncSession, file: PatientFile, *, code: str = "") -> list[Series]:
    found: dict[tuple[str, str], list[Point]] = defaultdict(list)
    totals: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in await values_told(session, file, code=code):
        told = coded_measure(row.item)
        if told is None or isinstance(told[1].value, str):
            continue
        series = told[0], told[1].unit
        found[series].append(Point(row.effective_at, told[1].value, told[1], row.id))
        totals[series][row.series] = row.total
    followed = [
        Series(code, sorted(points, key=lambda point: point.at, reverse=True), sum(totals[code, unit].values()))
        for (code, unit), points in found.items()
    ]
    return sorted(followed, key=lambda one: one.points[0].at, reverse=True)[:MOST_CODES]
