"""Points in time as HL7 writes them: TS of v2 (v2.5.1 §2A.77) and of v3, which CDA uses (abstract data types, R1)."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final

_TS: Final = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d)"
    r"(?:\.\d+)?)?)?)?)?)?(?P<offset>[+-]\d\d(?:\d\d)?)?",
    re.ASCII,
)
EARLIEST, LATEST = 1800, 2300
"""Years."""


def moment_of(value: str, *, zone: tzinfo) -> datetime | None:
    """The moment in UTC, to the second, from the beginning of what is left out; None for nothing.

    An offset counts before `zone`. Raises ValueError for what is no point in time, or so far off that it is a mistake:
    the clock of some reader has no such year.
    """
    if not value:
        return None
    match = _matched(value)
    year, month, day, hour, minute, second = (
        int(match[name] or least)
        for name, least in (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
    )
    offset = match["offset"]
    if not EARLIEST <= year <= LATEST:
        raise ValueError(value)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=_east(offset) if offset else zone)
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(value) from error


def day_of(value: str) -> date | None:
    """The day that is written, in whatever zone it was; None for nothing, and where only a month or a year is known.

    Raises ValueError for what is no point in time.
    """
    if not value:
        return None
    match = _matched(value)
    year, month, day = int(match["year"]), int(match["month"] or 1), int(match["day"] or 1)
    found = date(year, month, day)
    return found if match["day"] else None


def _matched(value: str) -> re.Match[str]:
    match = _TS.fullmatch(value)
    if match is None:
        raise ValueError(value)
    return match


def _east(offset: str) -> tzinfo:
    east = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5] or 0))
    return timezone(-east if offset[0] == "-" else east)
