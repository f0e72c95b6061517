"""Points in time of HL7 v2 messages and of CDA documents."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.hl7_times import day_of, moment_of

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("202603", datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("20260301", datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("2026030110", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("202607011015", datetime(2026, 7, 1, 8, 15, tzinfo=UTC)),
        ("20260301101530.1234", datetime(2026, 3, 1, 9, 15, 30, tzinfo=UTC)),
        ("20260301101530+0530", datetime(2026, 3, 1, 4, 45, 30, tzinfo=UTC)),
        ("202603011015-05", datetime(2026, 3, 1, 15, 15, tzinfo=UTC)),
        ("20260301-0330", datetime(2026, 3, 1, 3, 30, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_moment_is_read_in_its_offset_or_the_zone_given(written: str, moment: datetime | None) -> None:
    assert moment_of(written, zone=PARIS) == moment


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("19510314", date(1951, 3, 14)),
        ("19510314000000+0100", date(1951, 3, 14)),
        ("195103142330-0500", date(1951, 3, 14)),
        ("195103", None),
        ("1951", None),
        ("", None),
    ],
)
def test_a_birth_date_is_the_day_that_is_written(written: str, day: date | None) -> None:
    """Turned into a moment in UTC it would be the day before, or after; a year alone is no day."""
    assert day_of(written) == day


@pytest.mark.parametrize("written", ["00010101000000", "0001", "17991231", "23010101", "9999"])
def test_no_moment_lies_where_a_readers_clock_cannot_go(written: str) -> None:
    """Some programs write the first day of all where they know none."""
    with pytest.raises(ValueError, match=written):
        moment_of(written, zone=ZoneInfo("America/St_Johns"))


@pytest.mark.parametrize(
    "written", ["19", "195", "19511", "19511301", "19510230", "2026030125", "x", "2026-03-01", "20260301+1", "٢٠٢٦"]
)
def test_what_is_none_is_refused(written: str) -> None:
    for read in (day_of, lambda value: moment_of(value, zone=PARIS)):
        if written == "2026030125" and read is day_of:
            continue  # its day is one
        with pytest.raises(ValueError, match=r".+"):
            read(written)


@pytest.mark.parametrize("written", ["0001", "00010101+2359", "99991231235959-2359", "20260301+9999"])
def test_what_no_calendar_holds_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        moment_of(written, zone=PARIS)


@given(st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2300, 12, 31)), st.integers(-1439, 1439))  # noqa: DTZ001  (an offset follows)
def test_what_is_written_with_an_offset_is_read_again(local: datetime, east: int) -> None:
    hours, minutes = divmod(abs(east), 60)
    written = f"{local:%Y%m%d%H%M%S}{'-' if east < 0 else '+'}{hours:02}{minutes:02}"
    read = moment_of(written, zone=PARIS)
    assert read == (local - timedelta(minutes=east)).replace(tzinfo=UTC, microsecond=0)


@given(st.text(max_size=30))
def test_whatever_is_sent_is_read_or_refused(written: str) -> None:
    for read in (day_of, lambda value: moment_of(value, zone=UTC)):
        with suppress(ValueError):
            read(written)
