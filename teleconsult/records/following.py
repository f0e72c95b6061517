"""Values over time: what was measured of a person more than once, from every establishment that shares."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.patients.queries import PatientFile, file_of
from teleconsult.records.elements import dicts
from teleconsult.records.measures import Measure, Number, coded_measures_in
from teleconsult.records.models import EntryStatus, RecordEntry, ResourceType

MOST_CODES: Final = 40
MOST_POINTS: Final = 200
LARGEST: Final = 10**12
"""A number beyond it is nothing that was measured."""
_PARTS: Final = ("code", "valueQuantity", "valueInteger", "referenceRange", "interpretation", "component", "contained")
"""What of an Observation or a DiagnosticReport speaks of values; letters and pictures stay where they are."""
_MEASURED: Final = (ResourceType.OBSERVATION, ResourceType.DIAGNOSTIC_REPORT)


@dataclass(frozen=True, slots=True)
class Point:
    """One value, and the entry that tells it."""

    at: datetime
    value: Number
    measure: Measure
    entry_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Series:
    """What bears one code and is told in one unit, latest first; at least two values."""

    code: str
    points: Sequence[Point]

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


async def followed_values(session: AsyncSession, actor: Actor, patient_id: uuid.UUID) -> list[Series]:
    """What was measured at least twice, what was measured last first: at most 40, of each the latest 200 values.

    Values within a panel and within a report count like those on their own; entries entered in error do not.
    Raises as `file_of` does.
    """
    file = await file_of(session, actor, patient_id)
    found: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for row in await _measured_entries(session, file):
        for code, measure in _measures_of(row.parts):
            if code and not isinstance(measure.value, str) and not measure.comparator and abs(measure.value) < LARGEST:
                point = Point(row.effective_at, measure.value, measure, row.id)
                found[code, measure.unit].append(point)
    series = [
        Series(code, sorted(points, key=lambda point: point.at, reverse=True)[:MOST_POINTS])
        for (code, _unit), points in found.items()
        if len(points) > 1
    ]
    return sorted(series, key=lambda one: one.points[0].at, reverse=True)[:MOST_CODES]


def _measures_of(parts: Mapping[str, Any]) -> Iterator[tuple[str, Measure]]:
    """Its own values, and those a report contains."""
    yield from coded_measures_in(parts)
    for item in dicts(parts.get("contained")):
        if item.get("resourceType") == ResourceType.OBSERVATION:
            yield from coded_measures_in(item)


async def _measured_entries(session: AsyncSession, file: PatientFile) -> Sequence[Row[Any]]:
    """The parts that hold values of the latest entries of each code; the codes measured last."""
    stands = (
        RecordEntry.patient_id.in_(file.patient_ids),
        RecordEntry.code != "",
        RecordEntry.resource_type.in_(_MEASURED),
        RecordEntry.status == EntryStatus.CURRENT,
    )
    codes = (
        select(RecordEntry.code)
        .where(*stands)
        .group_by(RecordEntry.code)
        .order_by(func.max(RecordEntry.effective_at).desc())
        .limit(MOST_CODES)
        .subquery()
    )
    parts = func.jsonb_build_object(
        *(part for name in _PARTS for part in (name, RecordEntry.resource[name])), type_=JSONB
    )
    latest = (
        select(RecordEntry.id, RecordEntry.effective_at, parts.label("parts"))
        .where(*stands, RecordEntry.code == codes.c.code)
        .order_by(RecordEntry.effective_at.desc())
        .limit(MOST_POINTS)
        .lateral()
    )
    return (await session.execute(select(latest).select_from(codes).join(latest, true()))).all()
