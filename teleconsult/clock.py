"""The time, asked for in one place so that a rule about time can be tested by passing another clock."""

from datetime import UTC, datetime, tzinfo


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def on_clock(moment: datetime, zone: tzinfo) -> datetime:
    """The moment in a time zone. One that the zone pushes out of the calendar (the years 1 and 9999) stays as it is:
    such a date is a mistake that somebody has to see, in the file and on paper.
    """
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment
