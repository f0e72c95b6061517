"""Times that suit everybody: never outside anybody's hours, never while somebody is taken."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from teleconsult.encounters.attendance import Span
from teleconsult.scheduling.common_times import Diary, closed_for, common_times
from teleconsult.scheduling.hours import Hours, Rule, is_within, open_spans
from tests.teleconsult.scheduling.test_hours import FIRST, MINUTE, moments, rules, zones

HALF_AN_HOUR = timedelta(minutes=30)
EVERY_DAY = frozenset(range(1, 8))


def office(zone: str, first: int, last: int, **more: int) -> Hours:
    """Open every day between two full hours."""
    return Hours(ZoneInfo(zone), (Rule(EVERY_DAY, first * 60, last * 60, first_day=FIRST, **more),))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(rules(), zones, st.lists(st.integers(0, 7000), max_size=3)), min_size=2, max_size=4),
    moments,
    st.sampled_from((15, 20, 30, 45, 60)),
    st.integers(0, 30),
)
def test_nobody_is_met_outside_their_hours_or_twice(
    people: list[tuple[Rule, ZoneInfo, list[int]]], start: datetime, minutes: int, buffer: int
) -> None:
    window = Span(start, start + timedelta(days=5))
    diaries = [
        Diary(
            str(n),
            Hours(zone, (rule,), buffer=buffer * MINUTE),
            tuple(Span(start + at * MINUTE, start + (at + 30 + buffer) * MINUTE) for at in taken),
        )
        for n, (rule, zone, taken) in enumerate(people)
    ]
    for found in common_times(diaries, window, timedelta(minutes=minutes)):
        for diary in diaries:
            assert is_within(found, open_spans(diary.hours, window))
            assert diary.is_open(found)
            blocked = Span(found.start, found.end + diary.hours.buffer)
            assert not any(blocked.start < one.end and one.start < blocked.end for one in diary.busy)


def test_both_clocks_are_heeded() -> None:
    day = datetime(2026, 5, 4, tzinfo=UTC)
    doctor, specialist = Diary("a", office("Asia/Ho_Chi_Minh", 8, 17)), Diary("b", office("Europe/Paris", 8, 18))
    found = list(common_times([doctor, specialist], Span(day, day + timedelta(days=1)), HALF_AN_HOUR))
    assert f"{found[0].start:%H:%M}" == "06:00"  # eight in Paris is thirteen in Saigon
    assert f"{found[-1].end:%H:%M}" == "10:00"  # seventeen in Saigon
    assert closed_for([doctor, specialist], Span(day + timedelta(hours=11), day + timedelta(hours=12))) == ["a"]


def test_a_clinic_says_when_its_sessions_begin() -> None:
    day = datetime(2026, 5, 4, tzinfo=UTC)
    clinic = Diary("clinic", office("UTC", 9, 10, slot_minutes=20))
    anybody = Diary("anybody", Hours(ZoneInfo("UTC")), (Span(day.replace(hour=9), day.replace(hour=9, minute=10)),))
    found = list(common_times([clinic, anybody], Span(day, day + timedelta(days=1)), HALF_AN_HOUR))
    assert [f"{slot.start:%H:%M}" for slot in found] == ["09:20", "09:40"]


def test_time_is_kept_free_between_two_sessions() -> None:
    day = datetime(2026, 5, 4, 9, tzinfo=UTC)
    taken = Span(day + timedelta(hours=1), day + timedelta(hours=1, minutes=45))  # half an hour, and a quarter after it
    diary = Diary("a", Hours(ZoneInfo("UTC"), buffer=timedelta(minutes=15)), (taken,))
    found = list(common_times([diary], Span(day, day + timedelta(hours=3)), HALF_AN_HOUR))
    assert [f"{slot.start:%H:%M}" for slot in found] == ["09:00", "10:45", "11:15"]
