"""What calendar programs get: read by two other libraries and a strict reader, and by nobody as anything clinical."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream

from teleconsult.scheduling.calendars import Invited, Meeting, Method, feed, invitation, letter
from tests.teleconsult.scheduling.calendar_rules import read_strictly

START = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
MEETING = Meeting(
    id=uuid.UUID("6f1d3c1e-9f57-4a0c-8d3a-5a1b9d4a7c11"),
    number=1042,
    starts_at=START,
    ends_at=START + timedelta(minutes=45),
    sequence=3,
    changed_at=START - timedelta(days=2, microseconds=17),
    link="https://clinic.example/consults/6f1d3c1e-9f57-4a0c-8d3a-5a1b9d4a7c11",
)
HELENE = Invited("Dr Hélène Tremblay; “chef”, garde", "helene@example.test", "fr", "Europe/Paris")

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)


def read_by_ical(data: bytes) -> Any:
    [calendar] = IcsCalendarStream.from_ics(data.decode()).calendars
    [event] = calendar.events
    return event


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("locale", ["fr", "en", "vi", "xx"])
def test_an_invitation_is_read_by_others_as_it_was_meant(method: Method, locale: str) -> None:
    invited = Invited(HELENE.name, HELENE.email, locale, HELENE.time_zone)
    data = invitation(MEETING, invited, method=method, organizer="agenda@clinic.example")
    told, [event] = read_strictly(data)
    assert told == method
    assert event["UID"] == [("", str(MEETING.id))]
    assert event["SEQUENCE"] == [("", "3")]
    assert event["DTSTART"] == [("", "20261025T003000Z")]

    read = vobject.readOne(data.decode())
    read.validate(raiseException=True)
    assert read.method.value == method
    assert (read.vevent.dtstart.value, read.vevent.dtend.value) == (MEETING.starts_at, MEETING.ends_at)
    assert read.vevent.attendee.value == f"mailto:{HELENE.email}"

    other = read_by_ical(data)
    assert (other.uid, other.sequence, other.start, other.end) == (str(MEETING.id), 3, START, MEETING.ends_at)
    assert other.status == ("CANCELLED" if method is Method.CANCEL else "CONFIRMED")


@settings(max_examples=25, deadline=None)
@given(text, st.integers(0, 10**8), st.integers(1, 480), st.integers(0, 2**31 - 1))
def test_whatever_somebody_is_called_it_stays_valid(name: str, later: int, minutes: int, sequence: int) -> None:
    starts_at = START + timedelta(seconds=later)
    ends_at = starts_at + timedelta(minutes=minutes)
    meeting = Meeting(uuid.uuid4(), 1, starts_at, ends_at, sequence, starts_at, "https://clinic.example/consults/1")
    invited = Invited(name, "a@example.test", "vi", "Asia/Ho_Chi_Minh")
    data = invitation(meeting, invited, method=Method.REQUEST, organizer="agenda@clinic.example")
    read_strictly(data)
    vobject.readOne(data.decode()).validate(raiseException=True)
    assert read_by_ical(data).sequence == sequence


def test_the_same_sessions_are_the_same_bytes() -> None:
    assert feed([MEETING], locale="fr") == feed([MEETING], locale="fr")
    method, [event] = read_strictly(feed([MEETING], locale="fr"))
    assert method is None
    assert event["STATUS"] == [("", "CONFIRMED")]
    assert "ATTENDEE" not in event
    assert read_strictly(feed([], locale="fr")) == (None, [])
    [calendar] = IcsCalendarStream.from_ics(feed([MEETING], locale="en").decode()).calendars
    assert [one.uid for one in calendar.events] == [str(MEETING.id)]


def test_a_proposed_session_is_tentative() -> None:
    proposed = Meeting(MEETING.id, 1, START, MEETING.ends_at, 0, START, MEETING.link, is_booked=False)
    _method, [event] = read_strictly(feed([proposed], locale="en"))
    assert event["STATUS"] == [("", "TENTATIVE")]


def test_the_letter_says_when_on_the_readers_clock() -> None:
    said = letter(MEETING, HELENE, method=Method.REQUEST, is_first=False)
    assert "1042" in said.subject
    assert "02:30" in said.subject  # the first of the two half past twos of that night
    assert MEETING.link in said.body
    assert "annulée" in letter(MEETING, HELENE, method=Method.CANCEL, is_first=False).subject
