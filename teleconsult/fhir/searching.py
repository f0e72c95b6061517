"""FHIR R4 search parameters: what `date=ge2026-11` and `patient=Patient/…` mean (http://hl7.org/fhir/R4/search.html)."""

import base64
import binascii
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeAlias

from sqlalchemy import ColumnElement, and_, not_
from sqlalchemy.orm import InstrumentedAttribute

MONTHS: Final = 12
_PREFIXED: Final = re.compile(r"(eq|ne|ge|gt|le|lt|sa|eb)?(\d{4})(?:-(\d\d)(?:-(\d\d)(T.+)?)?)?")
_ESCAPED: Final = re.compile(r"\\(.)")
_UNESCAPED_COMMA: Final = re.compile(r"(?<!\\),")
Period = tuple[datetime | None, datetime | None]
Moment: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[datetime]


def period_of(value: str) -> Period:
    """From when (included) until when (excluded), of a `date` parameter: a year, month, day or moment with a prefix.

    What has no time zone is meant in UTC. Raises ValueError for what is no date, or has a prefix that asks for more
    than one period (`ne`, `ap`).
    """
    prefix, begins, ends = extent_of(value)
    if prefix == "ne":
        raise ValueError("more than one period")
    since = {"eq": begins, "ge": begins, "gt": ends, "sa": ends}.get(prefix)
    until = {"eq": ends, "le": ends, "lt": begins, "eb": begins}.get(prefix)
    return since, until


def extent_of(value: str) -> tuple[str, datetime, datetime]:
    """The prefix, and the time that the date itself covers: from when until when (excluded). Raises ValueError."""
    match = _PREFIXED.fullmatch(value)
    if match is None:
        raise ValueError("not a date")
    return match[1] or "eq", *_extent(value.removeprefix(match[1] or ""), *(match[part] for part in (2, 3, 4, 5)))


def within(value: str, begins: Moment, ends: Moment) -> ColumnElement[bool]:
    """What a `date` parameter asks of what lasts from `begins` to `ends` (R4 §3.1.1.4.7). Raises ValueError."""
    prefix, since, until = extent_of(value)
    inside = and_(begins >= since, ends < until)
    return {
        "eq": inside,
        "ne": not_(inside),
        "ge": ends >= since,
        "gt": ends >= until,
        "sa": begins >= until,
        "le": begins < until,
        "lt": begins < since,
        "eb": ends < since,
    }[prefix]


def both(one: Period, other: Period) -> Period:
    """The time in both periods: a parameter given twice narrows twice."""
    since = max((moment for moment in (one[0], other[0]) if moment), default=None)
    until = min((moment for moment in (one[1], other[1]) if moment), default=None)
    return since, until


def id_of(value: str, *kinds: str) -> tuple[str, uuid.UUID]:
    """The type and id of a reference to one of these types; a bare id is of the first. Raises ValueError."""
    kind, _, id_ = value.rpartition("/")
    if (kind or kinds[0]) not in kinds:
        raise ValueError("a reference to another type")
    return kind or kinds[0], uuid.UUID(id_)


def alternatives(value: str) -> list[str]:
    """The values of a parameter of which one is enough: parted by commas that are not escaped (R4 §3.1.1.4.3)."""
    return [part for part in _UNESCAPED_COMMA.split(value) if part]


def ids_in(value: str, kind: str) -> list[uuid.UUID]:
    """The ids among the alternatives of a reference; what is none of this type, or no UUID, is the id of nothing."""
    found = []
    for one in alternatives(value):
        try:
            found.append(id_of(one, kind)[1])
        except ValueError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class TokenValue:
    """`[system]|[code]` (R4 §3.1.1.4.10). `system` is None where any will do, empty where there must be none."""

    system: str | None
    code: str


def token_of(value: str) -> TokenValue:
    """Read one alternative of a token parameter. Raises ValueError for one that names nothing."""
    system, bar, code = value.partition("|")
    if not bar:
        system, code = "", system
    if not system and not code:
        raise ValueError("neither system nor code")
    return TokenValue(_ESCAPED.sub(r"\1", system) if bar else None, _ESCAPED.sub(r"\1", code))


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: what it is in order of, and the id; it travels in links, for us alone to read."""

    key: str
    id: uuid.UUID

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.id} {self.key}".encode()).decode()

    @classmethod
    def at(cls, moment: datetime, id_: uuid.UUID) -> Self:
        """The position of what is in order of time."""
        return cls(moment.isoformat(), id_)

    @property
    def moment(self) -> datetime:
        """The time it is at. Raises ValueError where it is in order of something else."""
        moment = datetime.fromisoformat(self.key)
        if moment.tzinfo is None:
            raise ValueError("a position without a time zone")
        return moment

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` wrote. Raises ValueError for anything else."""
        try:
            id_, _blank, key = base64.urlsafe_b64decode(text.encode("ascii")).decode().partition(" ")
        except binascii.Error as error:
            raise ValueError("no position") from error
        if not key or "\0" in key:
            raise ValueError("no position")
        return cls(key, uuid.UUID(id_))


def _extent(text: str, year: str, month: str | None, day: str | None, time: str | None) -> tuple[datetime, datetime]:
    if time is not None:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        clock = re.split(r"[Z+-]", time)[0]
        return moment, moment + (timedelta(minutes=1) if clock.count(":") < 2 else timedelta(seconds=1))
    begins = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    if day is not None:
        return begins, begins + timedelta(days=1)
    years, months = divmod(begins.month, MONTHS) if month is not None else (1, 0)
    return begins, begins.replace(year=begins.year + years, month=months + 1)
