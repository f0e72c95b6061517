"""Birth dates as people write them, and the age that follows."""

import re
from calendar import monthrange
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from teleconsult.patients.names import fold

OLDEST: Final = 130
"""Years; nobody has been older."""

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv january jan",
            "fevrier fevr february feb",
            "mars march mar",
            "avril avr april apr",
            "mai may",
            "juin june jun",
            "juillet juil july jul",
            "aout august aug",
            "septembre sept september sep",
            "octobre october oct",
            "novembre november nov",
            "decembre december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_YEAR_FIRST: Final = re.compile(r"\b(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})\b")
_DAY_FIRST: Final = re.compile(r"\b(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})\b")
_COMPACT: Final = re.compile(r"\b((?:18|19|20)\d{2})(\d{2})(\d{2})\b")
_PERIOD: Final = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})|(?P<start>\d{1,2})[-/.](?P<end>\d{4})|(?P<alone>\d{4})", re.ASCII
)
_YEAR_ALONE: Final = re.compile(r"(?:18|19|20)\d{2}", re.ASCII)
_MONTH_BY_NAME: Final = re.compile(r"\b(\d{1,2})(?:er)? ([a-z]{3,9}) (\d{4})\b")
_MONTH_BY_NUMBER: Final = re.compile(r"\b(\d{1,2}) thang (\d{1,2})(?: nam)? (\d{4})\b")


class AgeUnit(StrEnum):
    """UCUM units of time, as FHIR R4 Age has them."""

    YEARS = "a"
    MONTHS = "mo"
    DAYS = "d"


class Age(NamedTuple):
    """How old somebody is, in the unit one says it in. `is_estimated`: from a year alone, known or guessed."""

    value: int
    unit: AgeUnit
    is_estimated: bool = False


def find_birth_date(text: str, *, today: date) -> tuple[date | None, str]:
    """The birth date written in `text`, and the text without it.

    Understands `1951-03-14`, `14/03/1951`, `14.3.1951`, `19510314`, `14 mars 1951`, `14 March 1951` and
    `14 tháng 3 năm 1951`; the day comes before the month, as in all three languages of the pages. A date
    that is none, lies in the future or before anyone alive stays where it was.
    """
    for pattern, order in ((_YEAR_FIRST, "ymd"), (_DAY_FIRST, "dmy"), (_COMPACT, "ymd")):
        if match := pattern.search(text):
            numbers = dict(zip(order, map(int, match.groups()), strict=True))
            if day := _real_date(numbers["y"], numbers["m"], numbers["d"], today):
                return day, _without(text, match)
    folded = fold(text)
    if match := _MONTH_BY_NUMBER.search(folded):
        day = _real_date(int(match[3]), int(match[2]), int(match[1]), today)
    elif match := _MONTH_BY_NAME.search(folded):
        day = _real_date(int(match[3]), _MONTHS.get(match[2], 0), int(match[1]), today)
    else:
        return None, text
    return (day, _without(folded, match)) if day else (None, text)


def period_in(word: str, *, today: date) -> tuple[date, date] | None:
    """The first and the last day of a year or month somebody was born in: `1951`, `03/1951`, `1951-3`."""
    match = _PERIOD.fullmatch(word)
    if match is None:
        return None
    year, month = int(match["year"] or match["end"] or match["alone"]), match["month"] or match["start"]
    if not today.year - OLDEST <= year <= today.year:
        return None
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    if not 1 <= int(month) <= 12:
        return None
    return date(year, int(month), 1), date(year, int(month), monthrange(year, int(month))[1])


def year_in(text: str) -> int | None:
    """The year where it is all that is written, as R4 `date` or a TS of HL7 may be: `1951`."""
    return int(text) if _YEAR_ALONE.fullmatch(text) else None


def age_on(day: date, birth_date: date | None, estimated_birth_year: int | None = None) -> Age | None:
    """The age on `day`: in days up to a month, in months up to two years, in years from then on."""
    if birth_date is None:
        if estimated_birth_year is None:
            return None
        return Age(max(day.year - estimated_birth_year, 0), AgeUnit.YEARS, is_estimated=True)
    months = (day.year - birth_date.year) * 12 + day.month - birth_date.month - (day.day < birth_date.day)
    if months < 1:
        return Age(max((day - birth_date).days, 0), AgeUnit.DAYS)
    if months < 24:
        return Age(months, AgeUnit.MONTHS)
    return Age(months // 12, AgeUnit.YEARS)


def _real_date(year: int, month: int, day: int, today: date) -> date | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found if today.year - OLDEST <= year and found <= today else None


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}".strip()
