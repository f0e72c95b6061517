"""Rules on the clock of a wall, as moments: over zones, changes of the clocks, and whatever rules there are."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleconsult.encounters.attendance import Span
from teleconsult.scheduling.hours import Hours, Rule, is_holiday, is_within, open_spans, slots, without
from teleconsult.scheduling.hours_models import Repeat

ZONES = (
    *("UTC", "Europe/Paris", "America/Toronto", "America/St_Johns", "America/Blanc-Sablon", "Asia/Ho_Chi_Minh"),
    *("Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca", "America/Scoresbysund"),
)
FIRST = date(2026, 1, 1)
MINUTE = timedelta(minutes=1)

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.integers(1, 720 * 1440).map(lambda minutes: datetime(2026, 1, 2, tzinfo=UTC) + minutes * MINUTE)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    begins = draw(st.integers(0, 1439))
    return Rule(
        weekdays=frozenset(draw(st.sets(st.integers(1, 7), min_size=1))),
        from_minute=begins,
        until_minute=begins + draw(st.integers(1, 1440)),
        first_day=FIRST + timedelta(days=draw(st.integers(0, 400))),
        last_day=draw(st.none() | st.integers(400, 700).map(lambda n: FIRST + timedelta(days=n))),
        repeat=draw(st.sampled_from(Repeat)),
        slot_minutes=draw(st.none() | st.integers(5, 120)),
    )


def holds(rule: Rule, moment: datetime, zone: ZoneInfo) -> bool:
    """The same asked plainly: what the clock on the wall reads at that moment, and whether the rule says so."""
    wall = moment.astimezone(zone)
    for day in (wall.date() - timedelta(days=1), wall.date()):
        minute = (wall.date() - day).days * 1440 + wall.hour * 60 + wall.minute
        if rule.from_minute <= minute < rule.until_minute and begins_on(rule, day):
            return True
    return False


def begins_on(rule: Rule, day: date) -> bool:
    if day.isoweekday() not in rule.weekdays or day < rule.first_day or (rule.last_day and day > rule.last_day):
        return False
    if rule.repeat is Repeat.FORTNIGHTLY:
        monday = rule.first_day - timedelta(days=rule.first_day.weekday())
        return (day - monday).days // 7 % 2 == 0
    if rule.repeat is Repeat.LAST:
        return (day + timedelta(days=7)).month != day.month
    nth = {Repeat.FIRST: 0, Repeat.SECOND: 1, Repeat.THIRD: 2, Repeat.FOURTH: 3}.get(rule.repeat)
    return nth is None or (day.day - 1) // 7 == nth


@settings(max_examples=150, deadline=None)
@given(rules(), zones, moments, st.integers(0, 5000))
def test_open_is_when_the_clock_on_the_wall_says_so(rule: Rule, zone: ZoneInfo, start: datetime, later: int) -> None:
    window = Span(start, start + timedelta(days=4))
    moment = start + later * MINUTE
    spans = open_spans(Hours(zone, (rule,)), window)
    assert any(span.start <= moment < span.end for span in spans) == holds(rule, moment, zone)


@settings(max_examples=100, deadline=None)
@given(rules(), zones, moments, st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3000)), max_size=4))
def test_what_is_away_or_a_holiday_is_never_open(
    rule: Rule, zone: ZoneInfo, start: datetime, away: list[tuple[int, int]]
) -> None:
    window = Span(start, start + timedelta(days=4))
    gone = tuple(Span(start + a * MINUTE, start + (a + b) * MINUTE) for a, b in away)
    hours = Hours(zone, (rule,), holidays="FR", away=gone)
    for span in open_spans(hours, window):
        assert window.start <= span.start < span.end <= window.end
        assert not any(span.start < one.end and one.start < span.end for one in gone)
        for moment in (span.start, span.end - MINUTE):
            assert not is_holiday("FR", moment.astimezone(zone).date())


@settings(max_examples=100, deadline=None)
@given(rules(), zones, moments)
def test_a_clinics_slots_lie_within_its_hours_and_never_overlap(rule: Rule, zone: ZoneInfo, start: datetime) -> None:
    window, hours = Span(start, start + timedelta(days=3)), Hours(zone, (rule,))
    found = slots(hours, window)
    opened = open_spans(hours, window)
    assert all(is_within(slot, opened) for slot in found)
    assert all(slot.length == timedelta(minutes=rule.slot_minutes or 0) for slot in found)
    assert all(a.start != b.start for a, b in pairwise(found))


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends", "expected"),
    [
        # Clocks go forward at 02:00: the hour from two to three never comes.
        ("Europe/Paris", date(2026, 3, 29), 90, 210, [("00:30", "01:30")]),
        # They go back at 03:00: what lies between two and three comes twice.
        ("Europe/Paris", date(2026, 10, 25), 135, 165, [("00:15", "00:45"), ("01:15", "01:45")]),
        # Half an hour only, on Lord Howe.
        ("Australia/Lord_Howe", date(2026, 10, 4), 60, 180, [("14:30", "16:00")]),
        # No summer time at all.
        ("America/Blanc-Sablon", date(2026, 3, 8), 90, 210, [("05:30", "07:30")]),
    ],
)
def test_the_night_the_clocks_change(
    zone: str, day: date, begins: int, ends: int, expected: list[tuple[str, str]]
) -> None:
    rule = Rule(frozenset({day.isoweekday()}), begins, ends, first_day=day, last_day=day)
    noon = datetime.combine(day, datetime.min.time(), UTC)
    found = open_spans(Hours(ZoneInfo(zone), (rule,)), Span(noon - timedelta(days=1), noon + timedelta(days=1)))
    assert [(f"{span.start:%H:%M}", f"{span.end:%H:%M}") for span in found] == expected


def test_without_rules_it_is_open_but_for_what_is_away() -> None:
    start = datetime(2026, 5, 4, tzinfo=UTC)
    window = Span(start, start + timedelta(hours=3))
    away = Span(start + timedelta(hours=1), start + timedelta(hours=2))
    assert open_spans(Hours(ZoneInfo("UTC")), window) == [window]
    assert open_spans(Hours(ZoneInfo("UTC"), away=(away,)), window) == without([window], [away])


def test_extra_hours_hold_on_holidays() -> None:
    christmas = datetime(2026, 12, 25, 8, tzinfo=UTC)
    window, extra = Span(christmas, christmas + timedelta(hours=9)), Span(christmas, christmas + timedelta(hours=2))
    rule = Rule(frozenset(range(1, 8)), 0, 1440, first_day=FIRST)
    zone = ZoneInfo("Europe/Paris")
    assert open_spans(Hours(zone, (rule,), holidays="FR"), window) == []
    assert open_spans(Hours(zone, (rule,), holidays="FR", extra=(extra,)), window) == [extra]
    assert is_holiday("CA-QC", date(2026, 6, 24))
    assert not is_holiday("FR", date(2026, 6, 24))
