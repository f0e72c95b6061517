"""What an address says of the part of a file that is looked for."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

from teleconsult.errors import Invalid, NotFound
from teleconsult.records.kinds import EntryKind
from teleconsult.records.narrowing import LONGEST_SEARCH, Narrowing


@dataclass(frozen=True, slots=True)
class FileQuery:
    """The filters of a timeline as they stand in its address; each is the text of its field."""

    kind: str = ""
    q: str = ""
    since: str = ""
    until: str = ""
    place: str = ""
    episode: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """The filters of an address; what could be no word of a search is left out."""
        words = "".join(letter for letter in query.get("q", "") if letter.isprintable())
        fields = {name: query.get(name, "").strip() for name in ("kind", "since", "until", "place", "episode")}
        return cls(q=words.strip()[:LONGEST_SEARCH], **fields)

    @property
    def parts(self) -> dict[str, str]:
        """The filters that say something, for an address."""
        fields = {name: getattr(self, name) for name in ("kind", "q", "since", "until", "place", "episode")}
        return {name: value for name, value in fields.items() if value}

    @property
    def is_narrow(self) -> bool:
        """Whether more than a kind is asked for: then the form stands open."""
        return any(name != "kind" for name in self.parts)

    def but(self, **changed: str) -> dict[str, str]:
        """The parts of an address with some of the filters changed, or taken away by an empty text."""
        return {name: value for name, value in {**self.parts, **changed}.items() if value}

    def narrowing(self, zone: tzinfo) -> Narrowing:
        """What is looked for, with days on the clock of `zone`.

        Raises Invalid for a date that is none or a period that ends before it begins, NotFound for a kind or an id
        that no page of ours has.
        """
        since, until = _day(self.since, "since"), _day(self.until, "until")
        if since and until and until < since:
            raise Invalid({"until": "The period ends before it begins."})
        return Narrowing(
            kind=_kind(self.kind),
            since=_midnight(since, zone),
            before=_midnight(until + timedelta(days=1), zone) if until else None,
            organization_id=_id(self.place),
            episode_id=_id(self.episode),
            words=self.q,
        )


def _kind(text: str) -> EntryKind | None:
    try:
        return EntryKind(text) if text else None
    except ValueError as error:
        raise NotFound from error


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError as error:
        raise NotFound from error


def _day(text: str, name: str) -> date | None:
    """A day of the last centuries: none that a clock of another zone could push out of the calendar."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Invalid({name: "Give a day, as in 2026-03-14."}) from error
    if not 1800 <= day.year <= 2200:
        raise Invalid({name: "Give a day, as in 2026-03-14."})
    return day


def _midnight(day: date | None, zone: tzinfo) -> datetime | None:
    return datetime.combine(day, time(), zone).astimezone(UTC) if day else None
