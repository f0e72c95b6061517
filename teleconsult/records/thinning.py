"""Values of a file as a chart needs them: the database leaves out what no eye would find on the curve.

Each value of the file's Observations, of their components and of what a report contains is told apart by its code and
unit. Of each such series stay the latest values and, of every fifteenth of it, the lowest and the highest: peaks are
never lost, and a series of 30 values stays whole.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Double,
    FromClause,
    Numeric,
    Row,
    Select,
    bindparam,
    case,
    cast,
    collate,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, array
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.patients.queries import PatientFile
from teleconsult.records.models import HAS_CODE, EntryStatus, RecordEntry, ResourceType

MOST_CODES: Final = 40
MOST_POINTS: Final = 200
"""Entries looked at of each code, the latest."""
BUCKETS: Final = 15
LATEST: Final = 5
"""Values that stay whatever they are: those that are told beside the curve."""
LARGEST: Final = 10**12
"""A number beyond it is nothing that was measured."""
_MEASURED: Final = (ResourceType.OBSERVATION, ResourceType.DIAGNOSTIC_REPORT)
_PARTS: Final = ("code", "valueQuantity", "valueInteger", "referenceRange", "interpretation")
"""What of an Observation or a component speaks of one value."""
_WITHIN: Final = (
    "$.component[*]",
    '$.contained[*] ? (@.resourceType == "Observation")',
    '$.contained[*] ? (@.resourceType == "Observation").component[*]',
)
"""SQL/JSON paths of what tells values within an Observation or a report."""


async def values_told(session: AsyncSession, file: PatientFile, *, code: str = "") -> Sequence[Row[Any]]:
    """Rows `id, effective_at, item, total, series`: an entry, the part of it that tells one value, and of how many.

    With `code` (`system|code`) the latest 200 values of that one, not thinned out. The caller has looked the file up.
    """
    asked = {"patient_ids": file.patient_ids, **({"code": code} if code else {})}
    rows: Sequence[Row[Any]] = (await session.execute(_statement(is_whole=bool(code)), asked)).all()
    return rows


@cache
def _statement(*, is_whole: bool) -> Select[Any]:
    """Built once: it is long."""
    told = _numbers(_latest())
    series = told.c.key, told.c.unit
    latest_first = told.c.effective_at.desc(), told.c.id
    ranked = (
        select(
            told,
            func.count().over(partition_by=series).label("total"),
            func.row_number().over(partition_by=series, order_by=latest_first).label("place"),
            func.ntile(BUCKETS).over(partition_by=series, order_by=latest_first).label("bucket"),
        )
        .where(told.c.key == bindparam("code") if is_whole else true())
        .subquery()
    )
    bucket = ranked.c.key, ranked.c.unit, ranked.c.bucket
    ends = select(
        ranked,
        func.row_number().over(partition_by=bucket, order_by=(ranked.c.number, ranked.c.place)).label("lowest"),
        func.row_number().over(partition_by=bucket, order_by=(ranked.c.number.desc(), ranked.c.place)).label("highest"),
    ).subquery()
    stays = or_(ends.c.place <= LATEST, ends.c.lowest == 1, ends.c.highest == 1)
    parts = func.jsonb_build_object(*(part for name in _PARTS for part in (name, ends.c.item[name])), type_=JSONB)
    return select(
        ends.c.id,
        ends.c.effective_at,
        parts.label("item"),
        ends.c.total,
        func.concat(ends.c.key, " ", ends.c.unit).label("series"),
    ).where(ends.c.total > 1, ends.c.place <= MOST_POINTS if is_whole else stays)


def _latest() -> CTE:
    """The latest entries of each code; the codes measured last."""
    stands = (
        RecordEntry.patient_id.in_(bindparam("patient_ids", expanding=True)),
        HAS_CODE,
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
    of_code = (
        select(
            RecordEntry.id,
            RecordEntry.effective_at,
            RecordEntry.resource,
            RecordEntry.value,
            RecordEntry.unit,
            func.concat(RecordEntry.code_system, "|", RecordEntry.code).label("key"),
        )
        .where(*stands, RecordEntry.code == codes.c.code)
        .order_by(RecordEntry.effective_at.desc())
        .limit(MOST_POINTS)
        .lateral()
    )
    return select(of_code).select_from(codes).join(of_code, true()).cte("latest")


def _numbers(latest: CTE) -> FromClause:
    """Every number in these entries, under its code and unit; what has a column of its own is not sought in JSON."""
    own = select(
        latest.c.id,
        latest.c.effective_at,
        collate(latest.c.key, "C").label("key"),
        collate(latest.c.unit, "C").label("unit"),
        latest.c.value.label("number"),
        latest.c.resource.label("item"),
    ).where(latest.c.value.is_not(None), latest.c.resource["valueQuantity"]["comparator"].is_(None))
    items = [
        select(latest.c.id, latest.c.effective_at, latest.c.resource.label("item")).where(latest.c.value.is_(None))
    ]
    for path in _WITHIN:
        found = func.jsonb_path_query(latest.c.resource, cast(path, JSONPATH), type_=JSONB)
        within = found.column_valued("item", joins_implicitly=True)
        holds = latest.c.resource.has_any(array(["component", "contained"]))
        items.append(select(latest.c.id, latest.c.effective_at, within.label("item")).where(holds))
    numbers = union_all(own, _read(union_all(*items).subquery())).subquery()
    return select(numbers).where(func.abs(numbers.c.number) < LARGEST).subquery()


def _read(items: FromClause) -> Select[Any]:
    """The same columns of what stands in JSON: only what is a number, under a code, and not more or less than it."""
    item = items.c.item
    quantity, coding = item["valueQuantity"], item["code"]["coding"][0]
    number = case((quantity["value"].is_not(None), quantity["value"]), else_=item["valueInteger"])
    unit = func.coalesce(func.nullif(quantity["unit"].astext, ""), quantity["code"].astext, "")
    return select(
        items.c.id,
        items.c.effective_at,
        func.concat(coding["system"].astext, "|", coding["code"].astext),
        unit,
        _number(number),
        item,
    ).where(func.jsonb_typeof(number) == "number", coding["code"].astext != "", quantity["comparator"].is_(None))


def _number(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The number; nothing where it is none, or larger than the column's type holds."""
    numeric = case((func.jsonb_typeof(value) == "number", cast(value, Numeric)))
    return case((func.abs(numeric) < LARGEST, cast(numeric, Double)))
