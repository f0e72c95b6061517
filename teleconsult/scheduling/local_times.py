"""A time as someone types it, read on the clock of their own walls."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from teleconsult.clock import on_clock
from teleconsult.errors import Invalid

QUARTER = timedelta(minutes=15)
HALF_AN_HOUR: Final = timedelta(minutes=30)
FIRST: Final = time(8)
LAST: Final = time(16, 30)
"""Between them sessions usually begin, on a weekday."""
SATURDAY: Final = 6


def moment_from_local(typed: str, zone: str) -> datetime:
    """The moment of a `datetime-local` value ("2026-11-22T14:30") in an IANA zone, in UTC.

    When clocks go back an hour comes twice: the first one is meant (PEP 495, fold=0). When they go forward an hour
    does not exist: Invalid on `time`, as for what is no time at all. An offset in the value is not heeded.
    """
    try:
        wall = datetime.fromisoformat(typed).replace(tzinfo=None)
        moment = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        shown = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise Invalid({"time": "Give a day and a time."}) from error
    if shown != wall:
        raise Invalid({"time": "This time does not exist: the clocks go forward that night. Choose another one."})
    return moment


def local_from_moment(moment: datetime, zone: str) -> str:
    """A moment as the value of a `datetime-local` field, to the minute."""
    return on_clock(moment, ZoneInfo(zone)).replace(tzinfo=None).isoformat(timespec="minutes")


def next_quarter(moment: datetime) -> datetime:
    """The full quarter of an hour at or after a moment."""
    past = timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment if not past else moment - past + QUARTER


def suggested_time(moment: datetime, zone: str, *, at_once: bool) -> datetime:
    """What a field for a session's time begins with: half an hour from now, in working hours unless it presses."""
    soon = next_quarter(moment + HALF_AN_HOUR)
    wall = soon.astimezone(ZoneInfo(zone))
    if at_once or (wall.isoweekday() < SATURDAY and FIRST <= wall.time() <= LAST):
        return soon
    day = wall.date() + timedelta(days=wall.time() > LAST)
    while day.isoweekday() >= SATURDAY:
        day += timedelta(days=1)
    return datetime.combine(day, FIRST, ZoneInfo(zone)).astimezone(UTC)
