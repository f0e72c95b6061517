"""What an OpenID Provider says of somebody's profession, as French Pro Santé Connect words it.

`SubjectNameID` is the national identifier (PS_IdNat: one digit for its kind, then the number), `SubjectRefPro` the
professions and places of work of the national directory, by the codes of the French nomenclatures (ANS, MOS/NOS).
Kept and shown; what somebody may do here their role alone says.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

LONGEST: Final = 200
"""Characters of one text."""
MOST_ACTIVITIES: Final = 30
_NATIONAL_ID: Final = {"8": re.compile(r"8([0-9]{11})"), "0": re.compile(r"0([0-9A-Z]{9})")}
"""RPPS and ADELI, by the kind of identifier (TRE_G08); the directory's registration number is what follows."""


class Profession(StrEnum):
    """Professions of the national directory (TRE_G15), those met in a consult."""

    DOCTOR = "10"
    PHARMACIST = "21"
    DENTIST = "40"
    MIDWIFE = "50"
    NURSE = "60"
    PHYSIOTHERAPIST = "70"
    PODIATRIST = "80"
    SPEECH_THERAPIST = "91"
    PSYCHOLOGIST = "93"
    DIETICIAN = "95"
    RADIOGRAPHER = "98"


def profession_of(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Of all the claims, what is kept with the identity: name, national id, activities, how they signed in."""
    return {
        "name": " ".join(part for part in (_text(claims, "given_name"), _text(claims, "family_name")) if part),
        "national_id": _text(claims, "SubjectNameID") or _text(claims, "preferred_username"),
        "acr": _text(claims, "acr"),
        "activities": [activity for activity, _ in zip(_activities(claims), range(MOST_ACTIVITIES), strict=False)],
    }


def registration_number_of(profession: Mapping[str, Any]) -> str:
    """The number in the directory for a national id; "" where there is none."""
    national_id = str(profession.get("national_id", ""))
    kind = _NATIONAL_ID.get(national_id[:1])
    found = kind.fullmatch(national_id) if kind else None
    return found[1] if found else ""


def _activities(claims: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for practice in _objects(claims.get("SubjectRefPro"), "exercices"):
        of_practice = {
            "profession": _text(practice, "codeProfession"),
            "specialty": _text(practice, "codeSavoirFaire"),
        }
        places = list(_objects(practice, "activities")) or [{}]
        for place in places:
            yield of_practice | {
                "place": _text(place, "raisonSocialeSite") or _text(place, "enseigneCommercialeSite"),
                "place_id": _text(place, "identifiantTechniqueDeLaStructure") or _text(place, "numeroFinessSite"),
                "sector": _text(place, "codeSecteurDactivite"),
                "mode": _text(place, "codeModeExercice"),
                "role": _text(place, "codeRole"),
            }


def _objects(container: object, name: str) -> Iterator[Mapping[str, Any]]:
    found = container.get(name) if isinstance(container, Mapping) else None
    return (one for one in found if isinstance(one, Mapping)) if isinstance(found, list) else iter(())


def _text(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    return "".join(letter for letter in value if letter.isprintable())[:LONGEST] if isinstance(value, str) else ""
