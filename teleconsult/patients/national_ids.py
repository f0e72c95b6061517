"""National numbers of people: what each looks like, and what it says of who carries it.

A number that cannot be one is refused. One that says another sex or birth date than the patient's is a doubt to show:
authorities make mistakes too, and so do those who type.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from teleconsult.patients.models import AdministrativeGender
from teleconsult.patients.names import fold, fold_number

NIR: Final = "urn:oid:1.2.250.1.213.1.4.8"
"""French INS with the NIR as its number (ANS, Référentiel INS; OIDs of the autorité d’affectation)."""
NIA: Final = "urn:oid:1.2.250.1.213.1.4.9"
"""French INS with a waiting number: for who has no NIR yet."""
QUEBEC: Final = "https://fhir.infoway-inforoute.ca/NamingSystem/ca-qc-patient-healthcare-id"
"""Québec’s numéro d’assurance maladie (NAM)."""
VIETNAM: Final = "http://fhir.ehealth.gov.vn/core/sid/national_id"
"""Vietnam’s personal identification number (số định danh cá nhân), as the VN Core guide names it."""
KNOWN: Final = frozenset({NIR, NIA, QUEBEC, VIETNAM})

_INS: Final = re.compile(r"[123478]\d{4}(\d\d|2[AB])\d{6}\d\d", re.ASCII)
_NAM: Final = re.compile(r"[A-Z]{4}\d{8}", re.ASCII)
_CCCD: Final = re.compile(r"0\d{11}", re.ASCII)
INSEE_PLACE: Final = re.compile(r"(\d\d|2[AB])\d{3}", re.ASCII)
"""A commune or country of birth, as INSEE numbers them."""


class Doubt(StrEnum):
    """What a number says otherwise than the traits it came with."""

    GENDER = "gender"
    BIRTH_DATE = "birth-date"
    BIRTH_PLACE = "birth-place"
    NAME = "name"


class NationalId(NamedTuple):
    """A number and the authority that gave it (FHIR R4 Identifier)."""

    system: str
    value: str

    @property
    def type(self) -> str:
        """HL7 table 0203: a health number of a part of a country, or a national one."""
        return "JHN" if self.system == QUEBEC else "NI"


@dataclass(frozen=True, slots=True)
class Traits:
    """What a number may speak of. The names are those of birth."""

    family: str
    given: str
    gender: AdministrativeGender
    birth_date: date | None = None
    birth_place: str = ""

    @property
    def are_strict(self) -> bool:
        """All five strict traits of the French identity rules (RNIV 1): without them no number is qualified."""
        return bool(
            fold(self.family)
            and fold(self.given)
            and self.birth_date
            and self.gender in (AdministrativeGender.MALE, AdministrativeGender.FEMALE)
            and self.birth_place.strip()
        )


def read_national_id(typed: str) -> NationalId | None:
    """Whose number it is by its look; None where it is no number known here, or its key is wrong."""
    value = fold_number(typed)
    if _INS.fullmatch(value):
        return NationalId(NIR if value[0] in "12" else NIA, value) if _has_key(value) else None
    if _NAM.fullmatch(value):
        return NationalId(QUEBEC, value)
    if _CCCD.fullmatch(value):
        return NationalId(VIETNAM, value)
    return None


def doubts(number: NationalId, traits: Traits) -> list[Doubt]:
    """What the number says otherwise than the traits; nothing is doubted that either of them leaves open."""
    said = _READERS.get(number.system)
    return list(dict.fromkeys(said(number.value, traits))) if said else []


def _has_key(ins: str) -> bool:
    """97 − n mod 97; Corsica counts as 19 (2A) and 18 (2B)."""
    counted = ins[:13].replace("2A", "19").replace("2B", "18")
    return 97 - int(counted) % 97 == int(ins[13:])


def _ins_doubts(value: str, traits: Traits) -> Iterator[Doubt]:
    women = value[0] in "248"
    if traits.gender is (AdministrativeGender.MALE if women else AdministrativeGender.FEMALE):
        yield Doubt.GENDER
    if (born := traits.birth_date) is not None:
        month = int(value[3:5])
        # months past 12 are those of people whose month of birth is not known
        if int(value[1:3]) != born.year % 100 or (1 <= month <= 12 and month != born.month):
            yield Doubt.BIRTH_DATE
    place = traits.birth_place.strip().upper()
    if INSEE_PLACE.fullmatch(place) and place != value[5:10]:
        yield Doubt.BIRTH_PLACE


def _nam_doubts(value: str, traits: Traits) -> Iterator[Doubt]:
    family = fold(traits.family).replace(" ", "").upper()
    if f"{family[:3]:X<3}{fold(traits.given)[:1].upper()}" != value[:4]:
        yield Doubt.NAME
    month = int(value[6:8])
    if traits.gender is (AdministrativeGender.MALE if month > 50 else AdministrativeGender.FEMALE):
        yield Doubt.GENDER
    if (born := traits.birth_date) is not None and f"{born:%y}{born.month:02}{born.day:02}" != (
        f"{value[4:6]}{month % 50:02}{value[8:10]}"
    ):
        yield Doubt.BIRTH_DATE


def _cccd_doubts(value: str, traits: Traits) -> Iterator[Doubt]:
    """The fourth digit tells the century and the sex: 0 and 1 for the 20th, men and women; 2 and 3 for the 21st…"""
    century, women = divmod(int(value[3]), 2)
    if traits.gender is (AdministrativeGender.MALE if women else AdministrativeGender.FEMALE):
        yield Doubt.GENDER
    if traits.birth_date is not None and traits.birth_date.year != 1900 + 100 * century + int(value[4:6]):
        yield Doubt.BIRTH_DATE


_READERS: Final[dict[str, Callable[[str, Traits], Iterator[Doubt]]]] = {
    NIR: _ins_doubts,
    NIA: _ins_doubts,
    QUEBEC: _nam_doubts,
    VIETNAM: _cccd_doubts,
}
