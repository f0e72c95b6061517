"""FHIR R4 search parameters: what `date=ge2026-11` and `patient=Patient/…` mean (http://hl7.org/fhir/R4/search.html)."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

MONTHS: Final = 12
_PREFIXED: Final = re.compile(r"(eq|ge|gt|le|lt|sa|eb)?(\d{4})(?:-(\d\d)(?:-(\d\d)(T.+)?)?)?")
Period = tuple[datetime | None, datetime | None]


def period_of(value: str) -> Period:
    """From when (included) until when (excluded), of a `date` parameter: a year, month, day or moment with a prefix.

    What has no time zone is meant in UTC. Raises ValueError for what is no date, or has a prefix that asks for more
    than one period (`ne`, `ap`).
    """
    match = _PREFIXED.fullmatch(value)
    if match is None:
        raise ValueError("not a date")
    prefix = match[1] or "eq"
    begins, ends = _extent(value.removeprefix(match[1] or ""), *(match[number] for number in (2, 3, 4, 5)))
    since = {"eq": begins, "ge": begins, "gt": ends, "sa": ends}.get(prefix)
    until = {"eq": ends, "le": ends, "lt": begins, "eb": begins}.get(prefix)
    return since, until


def both(one: Period, other: Period) -> Period:
    """The time in both periods: a parameter given twice narrows twice."""
    since = max((moment for moment in (one[0], other[0]) if moment), default=None)
    until = min((moment for moment in (one[1], other[1]) if moment), default=None)
    return since, until


def id_of(value: str, *kinds: str) -> tuple[str, uuid.UUID]:
    """The type and id of a reference to one of these types; a bare id is of the first. Raises ValueError."""
    kind, _, id_ = value.rpartition("/")
    if (kind or kinds[0]) not in kinds:
        raise ValueError("a reference to another type")
    return kind or kinds[0], uuid.UUID(id_)


def _extent(text: str, year: str, month: str | None, day: str | None, time: str | None) -> tuple[datetime, datetime]:
    if time is not None:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        return moment, moment + (timedelta(minutes=1) if time.count(":") < 2 else timedelta(seconds=1))
    begins = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    if day is not None:
        return begins, begins + timedelta(days=1)
    years, months = divmod(begins.month, MONTHS) if month is not None else (1, 0)
    return begins, begins.replace(year=begins.year + years, month=months + 1)
