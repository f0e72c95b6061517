"""Cards as a scanner types them: what the code on a card or a wristband says of who carries it.

Nothing of it is believed unseen: it fills a form, which a person compares with who stands before them.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from teleconsult.errors import Invalid
from teleconsult.patients.models import AdministrativeGender
from teleconsult.patients.names import fold
from teleconsult.patients.national_ids import QUEBEC, VIETNAM, NationalId, read_national_id

CARD: Final = "card"
"""The source of a number that was read off a card."""
LONGEST: Final = 1000

_INS_HEADER: Final = re.compile(r"IS\d\d\w{22}")
_INS_MARK: Final = re.compile(r"S([1-7])")
_NAMED_GS: Final = re.compile(r"[<{\[]GS[>}\]]")
"""How some scanners type the character GS, which no keyboard has."""
_EDGES: Final = re.compile(r"^\W+|\W+$")
_SEXES: Final = {
    **dict.fromkeys(("m", "nam"), AdministrativeGender.MALE),
    **dict.fromkeys(("f", "nu"), AdministrativeGender.FEMALE),
}


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says of who carries it. Empty where it says nothing."""

    number: NationalId
    family: str = ""
    given: str = ""
    gender: AdministrativeGender = AdministrativeGender.UNKNOWN
    birth_date: date | None = None
    birth_place: str = ""
    address: str = ""


def read_card(scanned: str, *, today: date) -> Card:
    """What the code of a card says: a French INS Datamatrix, a Vietnamese identity card, or one of the numbers alone.

    Raises Invalid for other codes, and for one of these that arrived in part.
    """
    text = unicodedata.normalize("NFC", scanned.strip())
    if len(text) > LONGEST:
        raise _unknown()
    if header := _INS_HEADER.match(text):
        return _ins(text[header.end() :])
    if text.count("|") >= 6:
        return _cccd(text.split("|"))
    number = read_national_id(text)
    if number is None:
        raise _unknown()
    return _told_by(number, today)


def number_on(scanned: str, *, today: date) -> str:
    """The number that a card bears; what was scanned itself where it is no card."""
    try:
        return read_card(scanned, today=today).number.value
    except Invalid:
        return scanned


def _ins(message: str) -> Card:
    """ANS, Datamatrix INS: fields S1 to S7 in any order, each after its mark.

    What ends a field (GS, or what a scanner types in its place) is not needed: no field holds an S before a digit.
    """
    _before, *parts = _INS_MARK.split(_NAMED_GS.sub("", message))
    said = {mark: _EDGES.sub("", value) for mark, value in zip(parts[::2], parts[1::2], strict=True)}
    number = read_national_id(said.get("1", ""))
    if number is None or number.system != f"urn:oid:{said.get('2', '')}" or not said.get("4"):
        raise _in_part()
    return Card(
        number,
        family=said["4"],
        given=said.get("3", ""),
        gender=_gender(said.get("5", "")),
        birth_date=_day(said.get("6", "")),
        birth_place=said.get("7", ""),
    )


def _cccd(fields: list[str]) -> Card:
    """Number, former number, name, birth date, sex, address, date of issue, and on newer cards the parents.

    The family name comes first in a Vietnamese name.
    """
    number = read_national_id(fields[0])
    family, _blank, given = fields[2].strip().partition(" ")
    if number is None or number.system != VIETNAM or not family:
        raise _in_part()
    return Card(
        number,
        family=family,
        given=given.strip(),
        gender=_gender(fields[4]),
        birth_date=_day(fields[3]),
        address=fields[5].strip(),
    )


def _told_by(number: NationalId, today: date) -> Card:
    """A number alone, and what stands in its digits."""
    value = number.value
    if number.system == QUEBEC:
        month = int(value[6:8])
        gender = AdministrativeGender.FEMALE if month > 50 else AdministrativeGender.MALE
        return Card(number, gender=gender, birth_date=_latest(value[4:6], month % 50, int(value[8:10]), today))
    if number.system == VIETNAM:
        women = int(value[3]) % 2
        return Card(number, gender=AdministrativeGender.FEMALE if women else AdministrativeGender.MALE)
    gender = AdministrativeGender.FEMALE if value[0] in "248" else AdministrativeGender.MALE
    return Card(number, gender=gender, birth_place=value[5:10])


def _latest(year: str, month: int, day: int, today: date) -> date | None:
    """The last day that has this year of two digits and is not to come."""
    for century in (today.year // 100, today.year // 100 - 1):
        born = _day(f"{day:02}{month:02}{century}{year}")
        if born and born <= today:
            return born
    return None


def _day(written: str) -> date | None:
    """`30-03-1979` or `30031979`; None where a part is not known (`00`)."""
    digits = re.sub(r"\D", "", written)
    try:
        return date(int(digits[4:8]), int(digits[2:4]), int(digits[:2])) if len(digits) == 8 else None
    except ValueError:
        return None


def _gender(written: str) -> AdministrativeGender:
    return _SEXES.get(fold(written), AdministrativeGender.UNKNOWN)


def _unknown() -> Invalid:
    return Invalid({"card": "This is no card known here: a French INS code, a Vietnamese card, a Québec number."})


def _in_part() -> Invalid:
    return Invalid({"card": "The code was not read whole. Scan it once more, or type the identity."})
