"""Numbers of people and structures as the French national directory writes them, in one form."""

import re
from typing import Final

RPPS: Final = "urn:oid:1.2.250.1.71.4.2.1"
"""Identification nationale de personne (IDNPS): the kind of number in one digit, then the number (ANS)."""
STRUCTURE: Final = "urn:oid:1.2.250.1.71.4.2.2"
"""Identification nationale de structure (IDNST), built likewise."""
_PERSON: Final = re.compile(r"[0-9]{11}", re.ASCII)
_ADELI: Final = re.compile(r"[0-9A-Z]{9}", re.ASCII)
_FINESS: Final = re.compile(r"[0-9]{2}[0-9]{7}|2[AB][0-9]{7}", re.ASCII)
_SIREN_OR_SIRET: Final = re.compile(r"[0-9]{14}|[0-9]{9}", re.ASCII)


def person_number(written: str) -> str:
    """RPPS in 11 digits, whether it came so or as IDNPS `8…`; ADELI in 9, also as `0…`; empty for what is neither."""
    number = "".join(written.split()).upper()
    if len(number) == 12 and number[0] == "8" and _PERSON.fullmatch(number[1:]):
        return number[1:]
    if len(number) == 10 and number[0] == "0" and _ADELI.fullmatch(number[1:]):
        return number[1:]
    return number if _PERSON.fullmatch(number) or _ADELI.fullmatch(number) else ""


def structure_number(written: str) -> str:
    """FINESS in 9 characters, whether it came so or as IDNST `1…`; SIREN and SIRET likewise ; else empty."""
    number = "".join(written.split()).upper()
    if len(number) == 10 and number[0] in "12" and (_FINESS.fullmatch(number[1:]) or number[1:].isdigit()):
        return number[1:]
    if len(number) == 15 and number[0] == "3" and _SIREN_OR_SIRET.fullmatch(number[1:]):
        return number[1:]
    return number if _FINESS.fullmatch(number) or _SIREN_OR_SIRET.fullmatch(number) else ""
