"""Rules of one schedule that hold at the same time: what each of them offers then is offered twice over."""

import uuid
from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Final

from teleconsult.scheduling.hours_models import AvailableTime, Repeat

DAY: Final = 1440
WEEK: Final = 7 * DAY
EVERY_SO_OFTEN: Final = (Repeat.WEEKLY, Repeat.FORTNIGHTLY, Repeat.LAST)
"""Weeks that any other week of a month may be."""


def colliding(rules: Sequence[AvailableTime]) -> frozenset[uuid.UUID]:
    """Of these rules, the ids of those that hold at the same time as another one in some week.

    Two every second week collide where the weeks of their first days say so; the second and the third Monday never do.
    """
    return frozenset(rule.id for pair in combinations(rules, 2) if _meet(*pair) for rule in pair)


def _meet(one: AvailableTime, other: AvailableTime) -> bool:
    return (
        _days_meet(one, other)
        and _weeks_meet(one, other)
        and any(_overlap(a, b) for a in _spans(one) for b in _spans(other))
    )


def _days_meet(one: AvailableTime, other: AvailableTime) -> bool:
    ends = (one.last_day or date.max, other.last_day or date.max)
    return max(one.first_day, other.first_day) <= min(ends)


def _weeks_meet(one: AvailableTime, other: AvailableTime) -> bool:
    repeats = {one.repeat, other.repeat}
    if repeats == {Repeat.FORTNIGHTLY}:
        return (_week(one.first_day) - _week(other.first_day)) % 2 == 0
    return len(repeats) == 1 or bool(repeats & set(EVERY_SO_OFTEN))


def _week(day: date) -> int:
    """Counts Mondays."""
    return (day.toordinal() - 1) // 7


def _spans(rule: AvailableTime) -> list[tuple[int, int]]:
    """Minutes of the week in which it holds, from Monday on."""
    return [((day - 1) * DAY + rule.from_minute, (day - 1) * DAY + rule.until_minute) for day in rule.weekdays]


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Also past midnight of Sunday, where the next week has begun."""
    return any(one[0] + turn < other[1] and other[0] < one[1] + turn for turn in (-WEEK, 0, WEEK))
