"""What one kind of news is: who of both sides is told of it, in which few words, and by which ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Side(StrEnum):
    """Who may be told of a consult. Who may not see it (any more) is left out, and so is who acted."""

    REQUESTER = "requester"
    SPECIALIST = "specialist"
    """Who accepted it, if anybody has."""
    CANDIDATES = "candidates"
    """The specialists on duty for the service, while nobody has accepted."""
    MEMBERS = "members"
    """Of the team meeting on whose list it stands."""
    COORDINATORS = "coordinators"
    """Of the establishment that answers."""
    INVITED = "invited"
    """Further people of a session. The consult is not theirs to see: they are told its number and when."""


ASKING: Final = frozenset({Side.REQUESTER})
ANSWERING: Final = frozenset({Side.SPECIALIST, Side.CANDIDATES, Side.COORDINATORS})


class Topic(StrEnum):
    """What a person may choose not to be sent. On screen everything is shown."""

    REQUESTS = "requests"
    """A request's way: received, accepted, declined, called off."""
    TIMES = "times"
    ANSWERS = "answers"
    CONTENTS = "contents"
    """Images, the shared file, consents."""
    REMINDERS = "reminders"
    URGENT = "urgent"
    """Cannot be switched off."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One kind of news. `words` by language, after "Consult no. 1042: "; `%(time)s` is when the session begins, where
    that is known.

    `is_quiet`: shown on screen and sent to nobody. `is_mailed`: it is of use when a mail is read. `by_calendar`:
    the two whose session it is get a mail to their calendars, and no other. `alone`: why a side is not told.
    """

    topic: Topic
    told: frozenset[Side]
    words: Mapping[str, str]
    is_quiet: bool = False
    is_mailed: bool = True
    by_calendar: bool = False
    alone: str = ""


def occasion(
    topic: Topic,
    *told: Side,
    en: str,
    fr: str,
    vi: str,
    is_quiet: bool = False,
    is_mailed: bool = True,
    by_calendar: bool = False,
    alone: str = "",
) -> Occasion:
    words = {"en": en, "fr": fr, "vi": vi}
    return Occasion(topic, frozenset(told), words, is_quiet, is_mailed, by_calendar, alone)
