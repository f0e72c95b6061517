"""Times as people type them, on nights when clocks change."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.errors import Invalid
from teleconsult.scheduling.local_times import (
    local_from_moment,
    moment_from_local,
    next_quarter,
    suggested_time,
)


@pytest.mark.parametrize(
    ("typed", "zone", "moment"),
    [
        ("2026-11-22T14:30", "America/Toronto", datetime(2026, 11, 22, 19, 30, tzinfo=UTC)),
        ("2026-11-22T14:30", "America/Blanc-Sablon", datetime(2026, 11, 22, 18, 30, tzinfo=UTC)),
        ("2026-11-22T14:30", "Asia/Ho_Chi_Minh", datetime(2026, 11, 22, 7, 30, tzinfo=UTC)),
        ("2026-11-01T01:30", "America/Toronto", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_it_is_read_on_the_walls_clock(typed: str, zone: str, moment: datetime) -> None:
    assert moment_from_local(typed, zone) == moment
    assert local_from_moment(moment, zone) == typed


@pytest.mark.parametrize(
    ("moment", "zone", "shown"),
    [
        (datetime(1, 1, 1, 0, 30, tzinfo=UTC), "America/Toronto", "0001-01-01T00:30"),
        (datetime(9999, 12, 31, 23, 30, tzinfo=UTC), "Asia/Ho_Chi_Minh", "9999-12-31T23:30"),
    ],
)
def test_what_no_clock_shows_is_shown_as_it_is(moment: datetime, zone: str, shown: str) -> None:
    assert local_from_moment(moment, zone) == shown


def test_an_hour_that_is_skipped_does_not_exist() -> None:
    with pytest.raises(Invalid, match="look") as caught:
        moment_from_local("2027-03-14T02:30", "America/Toronto")
    assert "does not exist" in caught.value.fields["time"]


@pytest.mark.parametrize("typed", ["", "tomorrow", "2026-02-30T10:00", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_what_is_no_time(typed: str) -> None:
    with pytest.raises(Invalid):
        moment_from_local(typed, "America/Toronto" if typed.startswith("9") else "Asia/Ho_Chi_Minh")


@given(st.text(max_size=40))
def test_no_text_breaks_it(typed: str) -> None:
    try:
        assert moment_from_local(typed, "America/Toronto").tzinfo is UTC
    except Invalid as error:
        assert set(error.fields) == {"time"}


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # hypothesis wants its bounds without a zone
def test_the_next_quarter(moment: datetime) -> None:
    quarter = next_quarter(moment)
    assert (quarter.minute % 15, quarter.second, quarter.microsecond) == (0, 0, 0)
    assert 0 <= (quarter - moment).total_seconds() < 900


@pytest.mark.parametrize(
    ("now", "at_once", "suggested"),
    [
        ("2026-11-20T10:05", False, "2026-11-20T10:45"),
        ("2026-11-20T04:05", False, "2026-11-20T08:00"),
        ("2026-11-20T16:10", False, "2026-11-23T08:00"),
        ("2026-11-22T04:05", False, "2026-11-23T08:00"),
        ("2026-11-22T04:05", True, "2026-11-22T04:45"),
        ("2026-11-23T23:50", False, "2026-11-24T08:00"),
        ("2026-11-20T23:50", False, "2026-11-23T08:00"),
    ],
)
def test_a_time_is_suggested_in_working_hours_unless_it_presses(now: str, at_once: bool, suggested: str) -> None:
    zone = "America/Toronto"
    moment = suggested_time(moment_from_local(now, zone), zone, at_once=at_once)
    assert local_from_moment(moment, zone) == suggested
