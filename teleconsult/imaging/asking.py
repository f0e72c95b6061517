"""What a search of DICOMweb asks (PS3.18 §8.3.4, §10.6.1.2), read before anything is looked up."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from teleconsult.errors import TeleconsultError
from teleconsult.imaging.keys import KEYS, Key, Kind, Level, tag_of
from teleconsult.imaging.uids import is_uid

MOST: Final = 1000
"""Rows of one answer; who wants more asks with an offset."""
FARTHEST: Final = 100_000
_MOST_VALUES: Final = 200
_LONGEST: Final = 1024
_DATE: Final = re.compile(r"(\d{8})?(-)?(\d{8})?", re.ASCII)
_TIME_PART: Final = r"((?:\d{2}){1,3}(?:\.\d{1,6})?)?"
_TIME: Final = re.compile(rf"{_TIME_PART}(-)?{_TIME_PART}", re.ASCII)


class BadQuery(TeleconsultError):
    """A search that cannot be understood, or that asks by what is not offered."""

    status = 400


@dataclass(frozen=True, slots=True)
class Match:
    """One attribute and what it is asked to be: a text, or the ends of a range, or any of several."""

    tag: str
    key: Key
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search: what for, by what, how much of it."""

    level: Level
    matches: tuple[Match, ...] = ()
    include: frozenset[str] = frozenset()
    """Tags that are wanted besides the usual ones."""
    is_all: bool = False
    is_fuzzy: bool = False
    limit: int = MOST
    offset: int = 0
    under: Mapping[str, str] = field(default_factory=dict)
    """The study and series of the address, by their tags."""


def read_wanted(level: Level, parameters: Iterable[tuple[str, str]], *, under: Mapping[str, str]) -> Wanted:
    """The search that an address makes. Raises BadQuery in words for whoever wrote it."""
    matches = [Match(tag, KEYS[tag], (uid,)) for tag, uid in under.items()]
    include: set[str] = set()
    is_all = is_fuzzy = False
    numbers = {"limit": MOST, "offset": 0}
    for name, value in parameters:
        if name == "includefield":
            names = [part.strip() for part in value.split(",") if part.strip()]
            is_all = is_all or "all" in names
            include |= {_known(part).split(".")[0] for part in names if part != "all"}
        elif name == "fuzzymatching":
            is_fuzzy = _switch(value)
        elif name in numbers:
            numbers[name] = _number(name, value)
        elif name != "accept":
            tag = _known(name)
            include.add(tag.split(".")[0])
            if value and value != "*":
                matches.append(_match(level, name, tag, value))
    if numbers["offset"] > FARTHEST:
        raise BadQuery("An offset goes up to %(most)s. Narrow the search instead.", most=FARTHEST)
    return Wanted(
        level,
        matches=tuple(matches),
        include=frozenset(include),
        is_all=is_all,
        is_fuzzy=is_fuzzy,
        limit=min(numbers["limit"], MOST),
        offset=numbers["offset"],
        under=under,
    )


def _known(name: str) -> str:
    tag = tag_of(name)
    if tag is None:
        raise BadQuery("There is no attribute %(name)s. Write its keyword or its eight digits.", name=name[:64])
    return tag


def _match(level: Level, name: str, tag: str, value: str) -> Match:
    key = KEYS.get(tag)
    if key is None or key.level > level:
        raise BadQuery("It is not possible to search by %(name)s here.", name=name[:64])
    if len(value) > _LONGEST * (10 if key.kind is Kind.UID else 1):
        raise BadQuery("The value of %(name)s is too long.", name=name[:64])
    values = _values(key.kind, value)
    if not values or not value.isprintable():
        raise BadQuery("The value of %(name)s cannot be understood.", name=name[:64])
    return Match(tag, key, values)


def _values(kind: Kind, value: str) -> tuple[str, ...]:
    """The value taken apart: two ends for a range ("" is open), one or more for the rest; none where it is no value."""
    if kind in (Kind.DATE, Kind.TIME):
        found = (_DATE if kind is Kind.DATE else _TIME).fullmatch(value.replace(":", ""))
        if found is None or not (found[1] or found[3]) or (found[3] and not found[2]):
            return ()
        return (found[1] or "", found[3] or "") if found[2] else (found[1], found[1])
    if kind is Kind.UID:
        uids = tuple(part for part in re.split(r"[,\\]", value) if part)
        return uids if len(uids) <= _MOST_VALUES and all(is_uid(uid) for uid in uids) else ()
    if kind is Kind.CODES:
        return tuple(part.strip() for part in re.split(r"[,\\]", value) if part.strip())[:_MOST_VALUES]
    if kind is Kind.NUMBER:
        return (value,) if re.fullmatch(r"-?\d{1,9}", value, re.ASCII) else ()
    return (value,)


def _number(name: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise BadQuery("%(name)s is a whole number.", name=name)
    return int(value)


def _switch(value: str) -> bool:
    if value not in ("true", "false"):
        raise BadQuery("%(name)s is true or false.", name="fuzzymatching")
    return value == "true"
