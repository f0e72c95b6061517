"""The time, asked for in one place so that a rule about time can be tested by passing another clock."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)
