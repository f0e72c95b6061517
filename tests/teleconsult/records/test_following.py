"""Values over time."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.db import act_as
from teleconsult.patients.queries import file_of
from teleconsult.records.following import Point, Series, followed_values, values_of_code
from teleconsult.records.measures import Measure
from teleconsult.records.models import EntryStatus
from teleconsult.records.sparklines import HEIGHT, WIDTH, chart_of
from teleconsult.records.thinning import BUCKETS, LATEST, MOST_POINTS
from tests.file_steps import statements_about_entries
from tests.people import Cast
from tests.plans import plan_of
from tests.teleconsult.records.test_timeline import START, filed


def potassium(value: float, unit: str = "mmol/L", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
        "valueQuantity": {"value": value, "unit": unit},
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
        **more,
    }


def panel(*parts: dict[str, Any]) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "24326-1"}], "text": "Ionogramme"}
    return {"resourceType": "DiagnosticReport", "code": code, "contained": list(parts)}


async def test_values_of_all_establishments_make_one_series(db: AsyncSession, cast: Cast) -> None:
    await filed(db, cast, cast.patient, "Potassium", 1, **potassium(4))
    await filed(db, cast, cast.patient_elsewhere, "Ionogramme", 3, **panel(potassium(6.1), {"resourceType": "Device"}))
    await filed(db, cast, cast.patient, "Potassium", 2, **potassium(3.2))
    await filed(db, cast, cast.patient, "Potassium", 2, **potassium(156, "mg/L"))
    await filed(db, cast, cast.strangers_patient, "Potassium", 2, **potassium(9))
    wrong = await filed(db, cast, cast.patient, "Potassium", 2, **potassium(99))
    wrong.status, wrong.version = EntryStatus.ENTERED_IN_ERROR, 2
    await db.flush()
    [series] = await followed_values(db, await file_of(db, cast.rural, cast.patient.id))
    assert (series.name, series.unit, series.low, series.high) == ("Potassium", "mmol/L", 3.5, 5.1)
    assert [point.value for point in series.points] == [6.1, 3.2, 4]
    assert [point.measure.is_out_of_range for point in series.points] == [True, True, False]


async def test_the_parts_of_a_panel_are_followed_each(db: AsyncSession, cast: Cast) -> None:
    for day, values in ((1, (120, 80)), (2, (182, 95))):
        parts = [
            {"code": {"coding": [{"code": code}], "text": code}, "valueQuantity": {"value": value, "unit": "mmHg"}}
            for code, value in zip(("8480-6", "8462-4"), values, strict=True)
        ]
        pressure = {"resourceType": "Observation", "code": {"coding": [{"code": "85354-9"}]}, "component": parts}
        await filed(db, cast, cast.patient, "Tension", day, **pressure)
    found = await followed_values(db, await file_of(db, cast.rural, cast.patient.id))
    assert {series.name: [point.value for point in series.points] for series in found} == {
        "8480-6": [182, 120],
        "8462-4": [95, 80],
    }


async def test_words_and_less_than_are_no_points(db: AsyncSession, cast: Cast) -> None:
    for day in (1, 2):
        await filed(db, cast, cast.patient, "z", day, **potassium(10**400))
        await filed(db, cast, cast.patient, "x", day, **potassium(0, valueQuantity={"value": 3, "comparator": "<"}))
        await filed(db, cast, cast.patient, "y", day, resourceType="Observation", valueString="a", code={"text": "y"})
    assert await followed_values(db, await file_of(db, cast.rural, cast.patient.id)) == []


async def test_a_long_series_is_thinned_out_and_keeps_its_peaks(db: AsyncSession, cast: Cast) -> None:
    values = [4 + number % 10 / 100 for number in range(120)]
    values[17], values[64] = 7.9, 1.2
    for number, value in enumerate(values):
        await filed(db, cast, cast.patient, "Potassium", number, **potassium(value))
    [series] = await followed_values(db, await file_of(db, cast.rural, cast.patient.id))
    assert series.total == 120
    assert len(series.points) <= 2 * BUCKETS + LATEST
    told = [point.value for point in series.points]
    assert {7.9, 1.2} <= set(told) and told[:LATEST] == values[: -LATEST - 1 : -1]
    assert [point.measure.is_out_of_range for point in series.points].count(True) == 2
    assert [point.at for point in series.points] == sorted((point.at for point in series.points), reverse=True)
    [whole] = await values_of_code(db, await file_of(db, cast.rural, cast.patient.id), code=series.code)
    assert [point.value for point in whole.points] == values[::-1]
    assert await values_of_code(db, await file_of(db, cast.rural, cast.patient.id), code="x|y") == []


async def test_odd_values_are_left_out_and_harm_nothing(db: AsyncSession, cast: Cast) -> None:
    for odd in ({"value": "4"}, {"value": True}, {"value": [1]}, "4", [], {"value": {"a": 1}}, {}):
        for day in (1, 2):
            await filed(db, cast, cast.patient, "K", day, **potassium(0, valueQuantity=odd))
            await filed(db, cast, cast.patient, "P", day, **panel(potassium(0, valueQuantity=odd), {"component": 3}))
    assert await followed_values(db, await file_of(db, cast.rural, cast.patient.id)) == []
    for day, count in ((1, 2), (2, 3)):
        number = {**potassium(0), "valueInteger": count}
        del number["valueQuantity"]
        await filed(db, cast, cast.patient, "K", day, **number)
    [series] = await followed_values(db, await file_of(db, cast.rural, cast.patient.id))
    assert [point.value for point in series.points] == [3, 2]


async def test_thousands_of_values_cost_one_query_by_the_index(db: AsyncSession, cast: Cast) -> None:
    entry = await filed(db, cast, cast.patient, "Potassium", 1, **potassium(4))
    await db.execute(
        text(
            "insert into record_entry (id, patient_id, organization_id, resource_type, status, version, effective_at,"
            " recorded_at, author_name, title, resource, code) select gen_random_uuid(), patient_id, organization_id,"
            " resource_type, status, 1, effective_at - i * interval '1 hour', recorded_at, 'a', 't', resource, code"
            " from record_entry, generate_series(1, 1000) i where id = :id"
        ),
        {"id": entry.id},
    )
    await act_as(db, cast.rural)
    async with statements_about_entries(db) as seen:
        [series] = await followed_values(db, await file_of(db, cast.rural, cast.patient.id))
    assert series.total == MOST_POINTS
    [(statement, _parameters)] = seen
    plan = await plan_of(db, statement)
    assert "ix_record_entry_measures" in plan and "Seq Scan on record_entry" not in plan, plan


def series_of(*values: float, low: float | None = None, high: float | None = None, days: int = 1) -> Series:
    measures = [Measure("K", value, low=low, high=high) for value in values]
    points = [
        Point(START + number * timedelta(days=days), value, measure, uuid.UUID(int=number))
        for number, (value, measure) in enumerate(zip(values, measures, strict=True))
    ]
    return Series("k", list(reversed(points)), len(points))


@pytest.mark.parametrize(
    "series",
    [
        series_of(1, 2, 3),
        series_of(5, 5),
        series_of(1, 2, 3, days=0),
        series_of(1, 100, low=40),
        series_of(1, 100, high=40),
        series_of(1, 2, low=500, high=600),
        series_of(1, 2, low=9, high=3),
        series_of(-1e12, 1e12),
    ],
)
def test_a_chart_stays_within_its_box(series: Series) -> None:
    chart = chart_of(series)
    assert all(0 <= mark.x <= WIDTH and 0 <= mark.y <= HEIGHT for mark in chart.marks)
    assert [mark.x for mark in chart.marks] == sorted(mark.x for mark in chart.marks)
    if chart.top is not None:
        assert chart.top >= 0
        assert chart.top + chart.band <= HEIGHT


def test_the_band_lies_where_the_range_is() -> None:
    chart = chart_of(series_of(0, 10, low=4, high=6))
    middle = HEIGHT / 2
    assert chart.top is not None
    assert chart.top < middle < chart.top + chart.band
    assert chart.line.count(",") == 2
