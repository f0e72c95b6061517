"""Sessions as calendar programs read them (RFC 5545), invitations as they take them (RFC 5546). Pure functions.

Times stand in UTC. Nothing of the patient or of what was asked: a session is called by its consult's number.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from icalendar import Calendar, Event, vCalAddress, vText

from teleconsult.documents.letters import Letter
from teleconsult.messages.wording import language

PRODUCT: Final = "-//Teleconsult//Agenda//EN"


class Method(StrEnum):
    """What a calendar program is to do with it (RFC 5546 §1.4)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Meeting:
    """One session, as much of it as may leave the house."""

    id: uuid.UUID
    number: int
    starts_at: datetime
    ends_at: datetime
    sequence: int
    changed_at: datetime
    link: str
    is_booked: bool = True
    is_team: bool = False
    """A whole team meeting: of no consult in particular."""


@dataclass(frozen=True, slots=True)
class Invited:
    """To whom a mail goes: their name, address, language and clock."""

    name: str
    email: str
    locale: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class _Words:
    session: str
    invited: str
    moved: str
    cancelled: str
    calendar: str
    team: tuple[str, str, str, str]
    """Of a team meeting: what it is called, invited, moved, cancelled."""


_WORDS: Final = {
    "fr": _Words(
        "Téléconsultation, demande n° %d",
        "Demande n° %d : séance le %s",
        "Demande n° %d : séance déplacée au %s",
        "Demande n° %d : la séance du %s est annulée",
        "Séances de téléconsultation",
        (
            "Réunion de concertation",
            "Réunion de concertation le %s",
            "Réunion de concertation déplacée au %s",
            "La réunion de concertation du %s est annulée",
        ),
    ),
    "en": _Words(
        "Teleconsultation, consult no. %d",
        "Consult no. %d: session on %s",
        "Consult no. %d: session moved to %s",
        "Consult no. %d: the session on %s is cancelled",
        "Teleconsultation sessions",
        ("Team meeting", "Team meeting on %s", "Team meeting moved to %s", "The team meeting on %s is cancelled"),
    ),
    "vi": _Words(
        "Hội chẩn từ xa, yêu cầu số %d",
        "Yêu cầu số %d: phiên hội chẩn %s",
        "Yêu cầu số %d: phiên dời sang %s",
        "Yêu cầu số %d: phiên %s đã bị hủy",
        "Các phiên hội chẩn từ xa",
        ("Hội chẩn nhóm", "Hội chẩn nhóm %s", "Hội chẩn nhóm dời sang %s", "Buổi hội chẩn nhóm %s đã bị hủy"),
    ),
}
_REGIONS: Final = {"fr": "fr", "en": "en_GB", "vi": "vi"}


def invitation(meeting: Meeting, invited: Invited, *, method: Method, organizer: str) -> bytes:
    """One session for one person: to be put into their calendar, changed there, or taken out.

    The same `UID` for as long as it is the same appointment, and a `SEQUENCE` that grows with each change. Nobody is
    asked to answer: a session is agreed upon here, not in the calendar.
    """
    event = _event(meeting, invited.locale)
    event.add("status", "CANCELLED" if method is Method.CANCEL else "CONFIRMED")
    sender = vCalAddress(f"mailto:{organizer}")
    sender.params["CN"] = vText("Téléconsult")
    event.add("organizer", sender, encode=False)
    attendee = vCalAddress(f"mailto:{invited.email}")
    attendee.params |= {"CN": vText(invited.name), "ROLE": vText("REQ-PARTICIPANT")}
    attendee.params |= {"PARTSTAT": vText("NEEDS-ACTION"), "RSVP": vText("FALSE")}
    event.add("attendee", attendee, encode=False)
    calendar = _calendar()
    calendar.add("method", method.value)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def feed(meetings: Iterable[Meeting], *, locale: str) -> bytes:
    """All of a person's sessions, for a program that asks again and again. The same sessions are the same bytes."""
    calendar = _calendar()
    calendar.add("x-wr-calname", _WORDS[language(locale)].calendar)
    for meeting in meetings:
        event = _event(meeting, locale)
        event.add("status", "CONFIRMED" if meeting.is_booked else "TENTATIVE")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def letter(meeting: Meeting, invited: Invited, *, method: Method, is_first: bool) -> Letter:
    """The words around an invitation, on the reader's clock. `is_first`: they were told of no other time before."""
    words = _WORDS[language(invited.locale)]
    _named, team_invited, team_moved, team_cancelled = words.team
    invited_to, moved_to, off = (
        (team_invited, team_moved, team_cancelled) if meeting.is_team else (words.invited, words.moved, words.cancelled)
    )
    said = off if method is Method.CANCEL else invited_to if is_first else moved_to
    starts_at, region = meeting.starts_at.astimezone(ZoneInfo(invited.time_zone)), _REGIONS[language(invited.locale)]
    day, clock = (format_skeleton(skeleton, starts_at, locale=region) for skeleton in ("MMMEd", "Hm"))
    at = f"{day}, {clock}"
    subject = said % at if meeting.is_team else said % (meeting.number, at)
    return Letter(subject, f"{subject}\n\n{meeting.link}\n\nTéléconsult\n")


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    return calendar


def _event(meeting: Meeting, locale: str) -> Event:
    event, words = Event(), _WORDS[language(locale)]
    event.add("uid", str(meeting.id))
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", _second(meeting.changed_at))
    event.add("last-modified", _second(meeting.changed_at))
    event.add("dtstart", _second(meeting.starts_at))
    event.add("dtend", _second(meeting.ends_at))
    event.add("summary", words.team[0] if meeting.is_team else words.session % meeting.number)
    event.add("location", meeting.link)
    event.add("description", meeting.link)
    event.add("url", meeting.link)
    event.add("class", "PRIVATE")
    event.add("transp", "OPAQUE")
    return event


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
