"""Rules of hours that hold at the same time."""

import uuid
from datetime import date
from typing import Any

import pytest

from teleconsult.scheduling.collisions import colliding
from teleconsult.scheduling.hours_models import AvailableTime, Repeat


def rule(days: list[int], start: int, end: int, **more: Any) -> AvailableTime:
    """Of whole hours; an `end` after 24 lies in the next day."""
    given = {"repeat": Repeat.WEEKLY, "first_day": date(2026, 11, 2), "last_day": None, **more}
    return AvailableTime(id=uuid.uuid4(), weekdays=days, from_minute=start * 60, until_minute=end * 60, **given)


MORNINGS = rule([1, 2, 3], 8, 12)


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (rule([3, 4], 11, 15), True),
        (rule([3], 12, 15), False),
        (rule([4, 5], 8, 12), False),
        (rule([7], 20, 33), True),  # until nine on Monday
        (rule([3], 8, 12, first_day=date(2026, 10, 5), last_day=date(2026, 11, 1)), False),
        (rule([2], 9, 10, repeat=Repeat.LAST), True),
        (rule([2], 9, 10, repeat=Repeat.FORTNIGHTLY), True),
    ],
)
def test_with_every_week(other: AvailableTime, meets: bool) -> None:
    beside = rule([6], 8, 9)
    assert colliding([MORNINGS, beside, other]) == ({MORNINGS.id, other.id} if meets else frozenset())


def test_weeks_that_never_meet() -> None:
    second, third = (rule([1], 8, 12, repeat=repeat) for repeat in (Repeat.SECOND, Repeat.THIRD))
    assert not colliding([second, third])
    even, odd, same = (
        rule([1], 8, 12, repeat=Repeat.FORTNIGHTLY, first_day=day)
        for day in (date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16))
    )
    assert colliding([even, odd, same]) == {even.id, same.id}
